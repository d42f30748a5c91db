"""The stand-in for API Gateway has API Gateway's limits and behaviour."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import boto3
import moto
import pytest

from tests.cloud import rest_api
from tests.cloud.gateway import proxy_event, read
from tests.cloud.iam import ACCOUNT, REGION
from tests.cloud.stack import policy

FUNCTION = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:pages"
OK = json.dumps({"statusCode": 200, "headers": {}, "body": "ok"})


@pytest.fixture
def host(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Yield an API that requires a key."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    with moto.mock_aws():
        iam, client = boto3.client("iam"), boto3.client("apigateway")
        trust = policy(Principal={"Service": "apigateway.amazonaws.com"}, Action="sts:AssumeRole")
        role = iam.create_role(RoleName="web", AssumeRolePolicyDocument=trust)["Role"]["Arn"]
        may = policy(Action="lambda:InvokeFunction", Resource=FUNCTION)
        iam.put_role_policy(RoleName="web", PolicyName="web", PolicyDocument=may)
        api = client.create_rest_api(name="pages")["id"]
        (root,) = client.get_resources(restApiId=api)["items"]
        of: dict[str, Any] = {"restApiId": api, "resourceId": root["id"], "httpMethod": "ANY"}
        client.put_method(**of, authorizationType="NONE", apiKeyRequired=True)
        client.put_integration(
            **of,
            type="AWS_PROXY",
            integrationHttpMethod="POST",
            uri=f"arn:aws:apigateway:{REGION}:lambda:path/2015-03-31/functions/{FUNCTION}/invocations",
            credentials=role,
        )
        client.put_integration_response(**of, statusCode="200")
        client.create_deployment(restApiId=api, stageName="production")
        key = client.create_api_key(name="edge", value="k" * 20, enabled=True)["id"]
        client.create_api_key(name="another", value="a" * 20, enabled=True)
        plan = client.create_usage_plan(name="edge", apiStages=[{"apiId": api, "stage": "production"}])["id"]
        client.create_usage_plan_key(usagePlanId=plan, keyId=key, keyType="API_KEY")
        yield f"{api}.execute-api.{REGION}.amazonaws.com"


def ask(
    host: str, answer: str = OK, body: bytes = b"", key: str = "k" * 20
) -> tuple[int, dict[str, str], bytes]:
    event = proxy_event("POST", "/", headers=[("X-Api-Key", key)] if key else [], body=body)
    status, headers, content = read(rest_api.call(host, event, lambda name, event: (answer, False, "")))
    return status, dict(headers), content


def test_requests_with_the_key_reach_the_function(host: str) -> None:
    assert ask(host) == (200, {}, b"ok")


@pytest.mark.parametrize("key", ["", "wrong", "a" * 20])
def test_requests_without_a_key_never_reach_the_function(host: str, key: str) -> None:
    event = proxy_event("GET", "/", headers=[("X-Api-Key", key)])
    status, _, content = read(rest_api.call(host, event, lambda name, event: pytest.fail("it was called")))
    assert (status, json.loads(content)) == (403, {"message": "Forbidden"})


def test_lambda_accepts_events_of_six_megabytes_and_smaller_bodies(host: str) -> None:
    assert ask(host, body=b"x" * 4_400_000)[0] == 200
    assert ask(host, body=b"x" * 4_800_000)[0] == 413


def test_lambda_answers_with_six_megabytes_at_most(host: str) -> None:
    assert ask(host, json.dumps({"statusCode": 200, "body": "x" * 6_000_000}))[0] == 200
    assert ask(host, json.dumps({"statusCode": 200, "body": "x" * 6_300_000}))[0] == 502


def test_a_function_that_times_out_is_a_504(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rest_api, "SECONDS", -1)
    assert ask(host)[0] == 504


def test_a_challenge_header_is_renamed(host: str) -> None:
    _, headers, _ = ask(
        host, json.dumps({"statusCode": 401, "headers": {"WWW-Authenticate": "Bearer"}, "body": ""})
    )
    assert headers == {"x-amzn-Remapped-WWW-Authenticate": "Bearer"}
