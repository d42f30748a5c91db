"""What a deployment asks of AWS itself, besides Terraform and Zappa."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import moto
import pytest
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders

from tests.infra.test_deploy import PYTHON, SETTINGS, Programs, Site, make_function


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Site]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    with moto.mock_aws():
        yield Site("imagesite", "eu-west-1", ask=False, run=Programs(), builds=tmp_path, python=PYTHON)


@pytest.mark.long
def test_the_api_is_traced_as_the_functions_are(site: Site) -> None:
    make_function("imagesite-production")
    client = boto3.client("apigateway", region_name="eu-west-1")
    api = client.create_rest_api(name="imagesite-production")["id"]
    (root,) = client.get_resources(restApiId=api)["items"]
    method = {"restApiId": api, "resourceId": root["id"], "httpMethod": "GET"}
    client.put_method(**method, authorizationType="NONE")
    client.put_integration(**method, type="MOCK")
    client.create_deployment(restApiId=api, stageName="production")
    for wanted in (True, False):
        settings = json.loads(SETTINGS.read_text())
        settings["base"]["xray_tracing"] = wanted
        site.settings = settings
        site.deploy_pages()
        stage = client.get_stage(restApiId=api, stageName="production")
        assert stage.get("tracingEnabled", False) is wanted


def test_a_service_that_has_had_too_many_requests_is_asked_again_later(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Cognito says so with status 400, at which boto3 gives up unless it is told to be patient."""
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    cognito = site.aws("cognito-idp")
    answers = iter([400, 400, 400, 400, 400, 400])

    def throttle(request: Any, **more: Any) -> AWSResponse | None:
        if next(answers, None) is None:
            return None
        body = io.BytesIO(b'{"__type": "TooManyRequestsException", "message": "Rate exceeded"}')
        raw = type("Raw", (), {"stream": lambda self, **how: iter([body.read()])})()
        return AWSResponse(request.url, 400, HTTPHeaders(), raw)

    cognito.meta.events.register_first("before-send.cognito-idp.ListUserPools", throttle)
    assert cognito.list_user_pools(MaxResults=1)["UserPools"] == []
    assert next(answers, None) is None
