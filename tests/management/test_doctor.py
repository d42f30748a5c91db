from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from django.core.management import CommandError, call_command
from moto import mock_aws

from converter import sandbox
from converter.engine import raster

pytestmark = pytest.mark.long

WORKER, BUCKET = "imagesite-production-worker", "imagesite-uploads"


def consult() -> str:
    said = io.StringIO()
    try:
        call_command("doctor", stdout=said, no_color=True)
    except CommandError as exc:
        said.write(f"ended: {exc}")
    return said.getvalue()


# --- At home ------------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_it_works() -> None:
    said = consult()
    assert "ok       database: " in said
    assert "ok       data folder: " in said
    assert "ok       engine: " in said
    assert "problem" not in said


@pytest.mark.django_db
def test_an_incomplete_engine_is_a_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        raise RuntimeError("no AVIF here")

    monkeypatch.setattr(raster, "check", fail)
    said = consult()
    assert "problem  engine: no AVIF here; reinstall the dependencies." in said
    assert "ended: 1 check failed." in said


@pytest.mark.django_db
def test_an_unsafe_engine_is_a_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(raster, "check", lambda: ["libheif 1.23.0 is not safe; 1.23.6 or later is needed."])
    said = consult()
    assert "problem  engine: libheif 1.23.0 is not safe" in said
    assert "ended: 1 check failed." in said


@pytest.mark.django_db
def test_it_lists_the_libraries_that_read_files() -> None:
    rows = [line.split() for line in consult().splitlines()]
    for library in raster.libraries():
        lowest = ["at", "least", library.lowest] if library.lowest else []
        assert [library.name, library.version, *lowest] in rows


@pytest.mark.django_db
def test_a_folder_that_cannot_be_written_is_a_problem(settings: Any, tmp_path: Any) -> None:
    (tmp_path / "file").touch()
    settings.DATA_DIR = tmp_path / "file"
    assert "problem  data folder: " in consult()


@pytest.mark.django_db
def test_each_layer_of_the_sandbox_is_listed(monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    said = consult()
    assert "ok       sandbox: 3 of 3 layers" in said
    assert "seccomp       no system call that decoding does not need" in said
    monkeypatch.setattr(sandbox, "missing_layers", lambda: {"landlock": "this kernel has none"})
    said = consult()
    assert "ok       sandbox: 2 of 3 layers" in said
    assert "landlock      missing: this kernel has none" in said
    assert "ended" not in said
    settings.CONVERTER_SANDBOX_REQUIRED = True
    said = consult()
    assert "problem  sandbox: SANDBOX_REQUIRED is on, and this system lacks a layer." in said
    assert "ended: 1 check failed." in said


# --- In the cloud -------------------------------------------------------------------------------------------


@pytest.fixture
def account(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Yield an account in which Zappa has deployed the worker."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    settings.IN_CLOUD, settings.REGION = True, "us-east-1"
    settings.UPLOADS_BUCKET, settings.STATIC_BUCKET = BUCKET, "imagesite-static"
    settings.CONVERTER_WORKER_FUNCTION = WORKER
    with mock_aws():
        role = boto3.client("iam").create_role(RoleName="worker", AssumeRolePolicyDocument="{}")["Role"][
            "Arn"
        ]
        code = io.BytesIO()
        with zipfile.ZipFile(code, "w") as file:
            file.writestr("handler.py", "")
        made = boto3.client("lambda").create_function(
            FunctionName=WORKER,
            Role=role,
            Runtime="python3.11",
            Handler="handler.lambda_handler",
            Code={"ZipFile": code.getvalue()},
            Environment={"Variables": {"UPLOADS_BUCKET": BUCKET}},
        )
        s3 = boto3.client("s3")
        for bucket in (BUCKET, "imagesite-static"):
            s3.create_bucket(Bucket=bucket)
        s3.put_object(Bucket="imagesite-static", Key="static/a.css", Body=b"")
        notify(made["FunctionArn"])
        permit("zappa-1", SourceAccount="123456789012")
        events = boto3.client("events")
        events.put_rule(Name=f"{WORKER}-converter.events.clock.sweep", ScheduleExpression="rate(1 hour)")
        target = {"Id": "1", "Arn": made["FunctionArn"]}
        events.put_targets(Rule=f"{WORKER}-converter.events.clock.sweep", Targets=[target])
        yield


def notify(arn: str, prefix: str = "uploads/", count: int = 1) -> None:
    limit: Any = {"Filter": {"Key": {"FilterRules": [{"Name": "prefix", "Value": prefix}]}}} if prefix else {}
    events: Any = [
        {
            "Id": f"{WORKER}-{number}",
            "LambdaFunctionArn": arn,
            "Events": ["s3:ObjectCreated:*"],
            **limit,
        }
        for number in range(count)
    ]
    boto3.client("s3").put_bucket_notification_configuration(
        Bucket=BUCKET, NotificationConfiguration={"LambdaFunctionConfigurations": events}
    )


def permit(sid: str, **more: Any) -> None:
    boto3.client("lambda").add_permission(
        FunctionName=WORKER,
        StatementId=sid,
        Action="lambda:InvokeFunction",
        Principal="s3.amazonaws.com",
        SourceArn=f"arn:aws:s3:::{BUCKET}",
        **more,
    )


def statements() -> list[str]:
    policy = json.loads(boto3.client("lambda").get_policy(FunctionName=WORKER)["Policy"])
    return [statement["Sid"] for statement in policy["Statement"]]


def the_worker() -> str:
    arn: str = boto3.client("lambda").get_function_configuration(FunctionName=WORKER)["FunctionArn"]
    return arn


def test_a_healthy_account_has_no_problems(account: None) -> None:
    said = consult()
    assert said.count("ok       ") == 6
    assert "ended" not in said


def test_surplus_permissions_from_updates_are_removed(account: None) -> None:
    permit(f"s3-{BUCKET}")
    for number in range(2, 9):
        permit(f"zappa-{number}", SourceAccount="123456789012")
    assert "8 surplus statements removed" in consult()
    assert statements() == ["zappa-8"]
    assert "0 surplus statements removed" in consult()


def test_other_statements_are_kept(account: None) -> None:
    boto3.client("lambda").add_permission(
        FunctionName=WORKER,
        StatementId="clock",
        Action="lambda:InvokeFunction",
        Principal="events.amazonaws.com",
        SourceArn="arn:aws:events:us-east-1:123456789012:rule/x",
    )
    consult()
    assert sorted(statements()) == ["clock", "zappa-1"]


def test_a_permission_that_any_account_could_use_is_not_enough(account: None) -> None:
    boto3.client("lambda").remove_permission(FunctionName=WORKER, StatementId="zappa-1")
    permit(f"s3-{BUCKET}")
    assert "problem  permissions: S3 is not allowed to call the worker" in consult()
    assert statements() == [f"s3-{BUCKET}"]


@pytest.mark.parametrize(
    ("prefix", "count", "problem"),
    [
        ("", 1, "the event is not limited to uploads/"),
        ("results/", 1, "the event is not limited to uploads/"),
        ("uploads/", 0, "has 0 events for the worker instead of one"),
        ("uploads/", 2, "has 2 events for the worker instead of one"),
    ],
)
def test_a_misconfigured_event_is_a_problem(account: None, prefix: str, count: int, problem: str) -> None:
    notify(the_worker(), prefix, count)
    assert problem in consult()


def test_a_readable_secret_is_a_problem(account: None) -> None:
    boto3.client("lambda").update_function_configuration(
        FunctionName=WORKER, Environment={"Variables": {"SECRET_KEY": "k", "DATABASE_URL": "d"}}
    )
    assert "problem  environment: DATABASE_URL, SECRET_KEY are readable" in consult()


def test_a_missing_schedule_is_a_problem(account: None) -> None:
    boto3.client("events").remove_targets(Rule=f"{WORKER}-converter.events.clock.sweep", Ids=["1"])
    assert "problem  clock: the sweep is not scheduled" in consult()


def test_missing_static_files_are_a_problem(account: None) -> None:
    boto3.client("s3").delete_object(Bucket="imagesite-static", Key="static/a.css")
    assert "problem  static files: imagesite-static is empty" in consult()


def test_an_account_without_the_worker_is_reported_with_advice(account: None) -> None:
    boto3.client("lambda").delete_function(FunctionName=WORKER)
    said = consult()
    assert "run `zappa deploy production_worker`" in said
    assert "ended: 4 checks failed." in said
