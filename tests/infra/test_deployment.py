"""Calls to AWS that a deployment makes itself, besides Terraform and Zappa."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import boto3
import moto
import pytest
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders
from botocore.stub import Stubber

from infra.deploy import up, walk
from infra.preflight import Preflight
from tests.infra.test_deploy import (
    KEYS,
    PYTHON,
    SETTINGS,
    Programs,
    Site,
    keep_settings,
    make_api,
    make_function,
    programs,
)


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Site]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    monkeypatch.setattr(Preflight, "python", lambda self: self.interpreter)
    with moto.mock_aws():
        yield Site(
            "imagesite",
            "eu-west-1",
            ask=False,
            run=Programs(),
            status_of=lambda url: 200,
            fetch=lambda url: KEYS,
            builds=tmp_path,
            python=PYTHON,
        )


@pytest.mark.long
def test_settings_are_read_only_from_a_bucket_of_this_account(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Bucket names are shared by all accounts: docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-owner-condition.html"""
    s3 = Mock()
    s3.get_object.side_effect = lambda **asked: {"Body": io.BytesIO(SETTINGS.read_bytes())}
    account = site.account
    monkeypatch.setattr(site, "aws", lambda service: {"s3": s3}[service])
    site.fetch_settings()
    (call,) = s3.get_object.call_args_list
    assert call.kwargs["ExpectedBucketOwner"] == account


@pytest.mark.long
def test_the_role_of_rds_is_there_before_its_first_cluster(site: Site, tmp_path: Path) -> None:
    """RDS makes it with the first call, and the next one may fail because it is not ready:
    docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/UsingWithRDS.IAM.ServiceLinkedRoles.html and
    aws-samples/eks-workshop-v2#1609.
    """
    site.infra = tmp_path
    iam = boto3.client("iam", region_name="eu-west-1")
    site.tfvars.write_text('database_mode = "external"\n')
    site.make_database_role()
    assert iam.list_roles()["Roles"] == []
    site.tfvars.write_text("")
    for _ in range(2):
        site.make_database_role()
    (role,) = iam.list_roles()["Roles"]
    assert role["Path"] == "/aws-service-role/rds.amazonaws.com/"


@pytest.mark.long
def test_the_role_of_rds_is_found_on_a_later_page(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """IAM may return fewer roles than there are: docs.aws.amazon.com/IAM/latest/APIReference/API_ListRoles.html"""
    site.infra = tmp_path
    iam = boto3.client("iam", region_name="eu-west-1")
    iam.create_service_linked_role(AWSServiceName="rds.amazonaws.com")
    role = {**iam.list_roles()["Roles"][0], "AssumeRolePolicyDocument": "{}"}
    answers = [{"Roles": [], "IsTruncated": True, "Marker": "m"}, {"Roles": [role], "IsTruncated": False}]
    with Stubber(iam) as stubber:
        for answer in answers:
            stubber.add_response("list_roles", answer)
        monkeypatch.setattr(site, "aws", lambda service: {"iam": iam}[service])
        site.make_database_role()
        stubber.assert_no_pending_responses()


@pytest.mark.long
def test_the_api_is_traced_as_the_functions_are(site: Site) -> None:
    make_function("imagesite-production")
    client = boto3.client("apigateway", region_name="eu-west-1")
    api = make_api("imagesite-production")
    for wanted in (True, False):
        settings = json.loads(SETTINGS.read_text())
        settings["base"]["xray_tracing"] = wanted
        site.settings = settings
        site.deploy_pages()
        stage = client.get_stage(restApiId=api, stageName="production")
        assert stage.get("tracingEnabled", False) is wanted


def test_a_function_that_is_missing_is_deployed_although_its_api_is_there(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_api("imagesite-production")
    asked: list[tuple[str, ...]] = []
    monkeypatch.setattr(site, "zappa", lambda *words: asked.append(words))
    monkeypatch.setattr(site, "trace_api", lambda: None)
    site.deploy_pages()
    assert asked == [("deploy", "production")]


@pytest.mark.long
@pytest.mark.parametrize("has_api", [False, True])
def test_a_deploy_that_broke_before_its_api_had_a_stage_is_undone_before_terraform_looks(
    site: Site, has_api: bool
) -> None:
    make_function("imagesite-production")
    if has_api:
        make_api("imagesite-production", stage=None)
    keep_settings(site)
    undo = site.zappa

    def zappa(*arguments: str, folder: str = "site", env: Mapping[str, str] | None = None) -> None:
        undo(*arguments, folder=folder, env=env)
        if arguments[0] == "undeploy":
            boto3.client("lambda", region_name="eu-west-1").delete_function(
                FunctionName="imagesite-production"
            )

    site.zappa = zappa  # type: ignore[method-assign]
    assert walk(up(site)) == 0
    asked = [command.split(" -")[0] for command in programs(site).asked]
    assert asked.index("zappa undeploy production") < asked.index("terraform apply")
    assert asked.count("zappa undeploy production") == 1
    assert "zappa deploy production" in asked


@pytest.mark.long
def test_the_state_bucket_is_private_and_versioned(site: Site) -> None:
    assert walk(up(site)) == 0
    s3 = boto3.client("s3", region_name="eu-west-1")
    bucket = f"imagesite-state-{site.account}"
    assert all(s3.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"].values())
    assert s3.get_bucket_versioning(Bucket=bucket)["Status"] == "Enabled"


def test_throttled_requests_are_retried(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Cognito reports throttling with status 400, which boto3 retries only if configured to."""
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
