"""The mock refuses what AWS refuses: each of these descriptions has stopped a real first deploy."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Literal

import boto3
import pytest
from botocore.exceptions import ClientError
from moto.awslambda.exceptions import UnknownFunctionException

from infra.deployment import ROOT, Deployment
from infra.tests.mock_aws import MockAws, fetch_from_mock
from tests.cloud.iam import ACCOUNT, REGION
from tests.cloud.stack import policy

FUNCTION = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:pages"
CALL = f"arn:aws:apigateway:{REGION}:lambda:path/2015-03-31/functions/{FUNCTION}/invocations"


def make_role(name: str, *services: str, may: dict[str, Any] | None = None) -> str:
    """Create a role that these services may assume; return its ARN."""
    iam = boto3.client("iam")
    trust = policy(Principal={"Service": [*services]}, Action="sts:AssumeRole")
    made = iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust)
    if may:
        iam.put_role_policy(RoleName=name, PolicyName=name, PolicyDocument=policy(**may))
    return str(made["Role"]["Arn"])


def put_rule(role: str, by: str = "testing") -> Any:
    events = boto3.client("events", aws_access_key_id=by, aws_secret_access_key="testing")
    return events.put_rule(Name="clock", ScheduleExpression="rate(1 hour)", RoleArn=role)


def pass_to(role: str, *services: str) -> dict[str, Any]:
    condition = {"StringEquals": {"iam:PassedToService": [*services]}}
    return {"Action": ["iam:PassRole", "events:PutRule"], "Resource": [role, "*"], "Condition": condition}


@pytest.mark.usefixtures("aws")
def test_a_rule_is_refused_if_its_role_does_not_trust_eventbridge() -> None:
    role = make_role("worker", "lambda.amazonaws.com")
    with pytest.raises(ClientError, match=r"cannot be assumed by principal 'events\.amazonaws\.com'"):
        put_rule(role)
    assert put_rule(make_role("other", "lambda.amazonaws.com", "events.amazonaws.com"))


@pytest.mark.usefixtures("aws")
def test_a_role_is_passed_only_to_the_services_in_the_policy() -> None:
    role = make_role("worker", "lambda.amazonaws.com", "events.amazonaws.com")
    make_role("narrow", "lambda.amazonaws.com", may=pass_to(role, "lambda.amazonaws.com"))
    make_role(
        "wide", "lambda.amazonaws.com", may=pass_to(role, "lambda.amazonaws.com", "events.amazonaws.com")
    )
    with pytest.raises(ClientError, match="not authorized to perform: iam:PassRole"):
        put_rule(role, by="narrow")
    assert put_rule(role, by="wide")


def make_api(role: str) -> str:
    """Create an API as Zappa does, with this role for its calls; return its host."""
    client = boto3.client("apigateway")
    api = client.create_rest_api(name="pages")["id"]
    (root,) = client.get_resources(restApiId=api)["items"]
    of = {"restApiId": api, "resourceId": root["id"], "httpMethod": "ANY"}
    client.put_method(**of, authorizationType="NONE")
    client.put_integration(**of, type="AWS_PROXY", integrationHttpMethod="POST", uri=CALL, credentials=role)
    return f"{api}.execute-api.{REGION}.amazonaws.com"


@pytest.mark.parametrize(
    ("services", "may"),
    [
        (["lambda.amazonaws.com"], {"Action": "lambda:InvokeFunction", "Resource": FUNCTION}),
        (["apigateway.amazonaws.com"], None),
        (["apigateway.amazonaws.com"], {"Action": "lambda:InvokeFunction", "Resource": f"{FUNCTION}-worker"}),
    ],
    ids=["no trust", "no right", "another function"],
)
def test_a_page_is_a_500_if_the_role_of_the_api_cannot_invoke_the_function(
    aws: MockAws, services: list[str], may: dict[str, Any] | None
) -> None:
    answer = aws.call_api(make_api(make_role("web", *services, may=may)), {})
    assert said(answer) == (500, {"message": "Internal server error"})


def said(answer: str) -> tuple[int, Any]:
    parsed = json.loads(answer)
    return parsed["statusCode"], json.loads(parsed["body"])


def test_a_role_that_api_gateway_may_assume_and_use_reaches_the_function(aws: MockAws) -> None:
    may = {"Action": "lambda:InvokeFunction", "Resource": FUNCTION}
    host = make_api(make_role("web", "apigateway.amazonaws.com", may=may))
    with pytest.raises(UnknownFunctionException, match=FUNCTION):
        aws.call_api(host, {})


def test_the_pools_public_keys_are_fetched_into_the_settings(aws: MockAws, tmp_path: Path) -> None:
    pool = boto3.client("cognito-idp").create_user_pool(PoolName="people")["UserPool"]["Id"]
    settings = json.loads((ROOT / "zappa_settings.json").read_text())
    settings["production"]["aws_environment_variables"]["COGNITO_USER_POOL_ID"] = pool
    deployment = Deployment("imagesite", REGION, builds=tmp_path, fetch=fetch_from_mock)
    deployment.keep_settings(json.dumps(settings))
    kept = deployment.settings["production"]["aws_environment_variables"]["COGNITO_JWKS"]
    assert {key["kty"] for key in json.loads(kept)["keys"]} == {"RSA"}


@pytest.mark.usefixtures("aws")
@pytest.mark.parametrize("version", ["16.6", "15", "16.99"])
def test_an_unavailable_version_of_aurora_is_refused(version: str) -> None:
    with pytest.raises(ClientError, match=f"Cannot find version {version} for aurora-postgresql"):
        make_cluster(version)


@pytest.mark.usefixtures("aws")
def test_a_major_version_of_aurora_becomes_its_newest_minor() -> None:
    assert make_cluster("16")["EngineVersion"] == "16.11"


def make_cluster(version: str) -> Any:
    return boto3.client("rds").create_db_cluster(
        DBClusterIdentifier="site",
        Engine="aurora-postgresql",
        EngineVersion=version,
        MasterUsername="site",
        MasterUserPassword="a long password",
    )["DBCluster"]


@pytest.mark.usefixtures("aws")
def test_a_function_is_traced_only_if_its_role_may_send_traces() -> None:
    may = {"Action": ["xray:PutTraceSegments", "xray:PutTelemetryRecords"], "Resource": "*"}
    able = make_role("able", "lambda.amazonaws.com", may=may)
    unable = make_role("unable", "lambda.amazonaws.com", may={"Action": "logs:PutLogEvents", "Resource": "*"})
    with pytest.raises(ClientError, match="does not have permissions to call PutTraceSegments on XRAY"):
        make_function(unable, "Active")
    assert make_function(unable, "PassThrough")["TracingConfig"] == {"Mode": "PassThrough"}
    assert make_function(able, "Active")["TracingConfig"] == {"Mode": "Active"}
    with pytest.raises(ClientError, match="PutTraceSegments"):
        boto3.client("lambda").update_function_configuration(
            FunctionName="unable-PassThrough", Role=unable, TracingConfig={"Mode": "Active"}
        )


def make_function(role: str, mode: Literal["Active", "PassThrough"]) -> Any:
    name = f"{role.rpartition('/')[2]}-{mode}"
    zipped = b"PK\5\6" + bytes(18)  # an empty zip
    return boto3.client("lambda").create_function(
        FunctionName=name,
        Role=role,
        Runtime="python3.13",
        Handler="handler.handle",
        Code={"ZipFile": zipped},
        TracingConfig={"Mode": mode},
    )
