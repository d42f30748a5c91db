"""`make rollback` restores the code from before the last deploy, whatever its size, and can be repeated."""

from __future__ import annotations

import functools
import io
import json
import zipfile
from collections.abc import Iterator
from typing import Any

import boto3
import moto
import pytest
from botocore.exceptions import ClientError

from infra.errors import DeployError
from infra.rollback import Rollback
from tests.cloud import versions

REGION, BUCKET = "eu-west-1", "imagesite-deployment"
FUNCTIONS = {"production": "imagesite-production", "production_worker": "imagesite-production-worker"}
TRUST = {
    "Statement": [
        {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    ]
}


@functools.cache
def client(service: str) -> Any:
    """Return a cached client, since creating one is slow; it works with moto in any test."""
    return boto3.client(service, region_name=REGION)  # type: ignore[call-overload]


def package(code: str) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("handler.py", code)
    return file.getvalue()


def deploy(stage: str, code: str) -> None:
    """Deploy as Zappa does: through S3, publishing a version."""
    function, where = FUNCTIONS[stage], {"S3Bucket": BUCKET, "S3Key": f"{stage}-{code}"}
    client("s3").put_object(Bucket=BUCKET, Key=where["S3Key"], Body=package(code))
    names = [found["FunctionName"] for found in client("lambda").list_functions()["Functions"]]
    if function in names:
        client("lambda").update_function_code(FunctionName=function, Publish=True, **where)
        return
    role = client("iam").create_role(RoleName=function, AssumeRolePolicyDocument=json.dumps(TRUST))["Role"]
    client("lambda").create_function(
        FunctionName=function,
        Role=role["Arn"],
        Runtime="python3.13",
        Handler="handler.lambda_handler",
        Description="Zappa Deployment",
        Code=where,
        Publish=True,
    )


@pytest.fixture(autouse=True)
def site(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Two releases of both functions."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    versions.patch(monkeypatch.setattr)
    with moto.mock_aws():
        where = {"LocationConstraint": REGION}
        client("s3").create_bucket(Bucket=BUCKET, CreateBucketConfiguration=where)
        for code in ("first", "second"):
            for stage in ("production_worker", "production"):
                deploy(stage, code)
        yield


class Clients:
    """AWS clients that record calls, and fail at one named call."""

    def __init__(self, broken: str = "") -> None:
        self.broken = broken
        self.asked: list[tuple[str, dict[str, Any]]] = []

    def __call__(self, service: str) -> Any:
        made = client.__wrapped__(service)  # a separate client, since its event handlers stay registered
        made.meta.events.register("provide-client-params.*.*", self.note)
        return made

    def note(self, params: dict[str, Any], model: Any, **more: Any) -> None:
        self.asked.append((model.name, dict(params)))
        if self.broken == f"{model.name} {params.get('FunctionName')}":
            raise ClientError({"Error": {"Code": "ServiceException", "Message": "broken"}}, model.name)


def roll_back(broken: str = "") -> Clients:
    clients = Clients(broken)
    Rollback(clients, versions.code_at, BUCKET).run(FUNCTIONS)
    return clients


def code(stage: str) -> str:
    link = client("lambda").get_function(FunctionName=FUNCTIONS[stage])["Code"]["Location"]
    with zipfile.ZipFile(io.BytesIO(versions.code_at(link))) as archive:
        return archive.read("handler.py").decode()


@pytest.mark.long
def test_both_functions_run_the_code_from_before_the_last_deploy() -> None:
    asked = roll_back().asked
    assert (code("production"), code("production_worker")) == ("first", "first")
    # A zip sent to Lambda directly may have 50 MB; through S3, only the limit of the package applies.
    assert not any("ZipFile" in given for _, given in asked)
    assert [name for name, _ in asked if name == "PublishVersion"] == ["PublishVersion"] * 2
    assert {key["Key"] for key in client("s3").list_objects_v2(Bucket=BUCKET)["Contents"]} == {
        f"{stage}-{code}" for stage in FUNCTIONS for code in ("first", "second")
    }


def test_a_second_run_does_not_bring_the_bad_code_back(capsys: pytest.CaptureFixture[str]) -> None:
    roll_back()
    asked = roll_back().asked
    assert (code("production"), code("production_worker")) == ("first", "first")
    assert {name for name, _ in asked} == {"ListVersionsByFunction"}
    assert capsys.readouterr().out.count("already") == 2


@pytest.mark.long
def test_an_interrupted_run_continues() -> None:
    with pytest.raises(ClientError, match="broken"):
        roll_back(broken="UpdateFunctionCode imagesite-production-worker")
    assert (code("production"), code("production_worker")) == ("first", "second")
    roll_back()
    assert (code("production"), code("production_worker")) == ("first", "first")


def test_a_web_function_that_the_last_deploy_did_not_reach_is_unchanged() -> None:
    deploy("production_worker", "third")
    roll_back()
    assert (code("production"), code("production_worker")) == ("second", "second")


@pytest.mark.long
def test_rolling_back_a_deploy_after_a_rollback_restores_the_rolled_back_code() -> None:
    roll_back()
    for stage in ("production_worker", "production"):
        deploy(stage, "third")
    assert (code("production"), code("production_worker")) == ("third", "third")
    roll_back()
    assert (code("production"), code("production_worker")) == ("first", "first")


def test_a_first_deploy_has_no_code_to_go_back_to() -> None:
    client("lambda").delete_function(FunctionName=FUNCTIONS["production"])
    client("iam").delete_role(RoleName=FUNCTIONS["production"])
    deploy("production", "second")
    with pytest.raises(DeployError, match="imagesite-production has no code from before the last deploy"):
        roll_back()
    assert code("production_worker") == "second"
