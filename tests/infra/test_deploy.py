from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import boto3
import moto
import pytest

from infra.deploy import DeployError, Deployment, Step, walk

SETTINGS = Path(__file__).resolve().parents[2] / "zappa_settings.json"


class Programs:
    """Notes what was asked to run; `broken` fails."""

    def __init__(self, broken: str = "") -> None:
        self.asked: list[str] = []
        self.broken = broken
        self.env: dict[str, str] = {}

    def __call__(self, command: Sequence[str], folder: Path, env: Mapping[str, str], capture: bool) -> str:
        asked = " ".join([Path(command[0]).name, *command[1:3]])
        self.asked.append(asked)
        if self.broken and self.broken in asked:
            raise DeployError("it broke")
        if command[0] == "terraform":
            self.env = dict(env)
        return {
            "terraform output -raw": SETTINGS.read_text(),
            "terraform state list": 'aws_s3_bucket.this["uploads"]\naws_s3_bucket_policy.this["uploads"]\naws_vpc.this[0]',
        }.get(asked, "")


@pytest.fixture(autouse=True)
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    monkeypatch.delenv("DATABASE_URL", raising=False)
    with moto.mock_aws():
        yield


class Site(Deployment):
    """A deployment in an account of which only the concurrency is told."""

    limit = 1000

    def aws(self, service: str) -> Any:
        client = super().aws(service)
        if service == "lambda":
            client.get_account_settings = lambda: {"AccountLimit": {"ConcurrentExecutions": self.limit}}
        return client


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(
        "imagesite", "eu-west-1", ask=False, run=Programs(), status_of=lambda url: 200, build=tmp_path
    )


def programs(site: Site) -> Programs:
    assert isinstance(site.run, Programs)
    return site.run


def make_function(name: str) -> None:
    iam = boto3.client("iam", region_name="eu-west-1")
    trust = {
        "Statement": [
            {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
        ]
    }
    role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("handler.py", "")
    boto3.client("lambda", region_name="eu-west-1").create_function(
        FunctionName=name,
        Role=role,
        Runtime="python3.11",
        Handler="h.h",
        Code={"ZipFile": archive.getvalue()},
    )


def make_api(name: str) -> None:
    boto3.client("apigateway", region_name="eu-west-1").create_rest_api(name=name)


def test_the_first_deploy_applies_deploys_and_applies_again(site: Site) -> None:
    assert walk(site.up()) == 0
    assert [asked.split(" -")[0] for asked in programs(site).asked] == [
        "terraform init",
        "terraform apply",
        "terraform output",
        "make package",
        "python manage.py collectstatic",
        "zappa deploy production_worker",
        "zappa manage production_worker",
        "zappa deploy production",
        "terraform apply",
        "python manage.py doctor",
    ]


def test_the_code_alone_is_deployed_without_terraform(site: Site) -> None:
    s3 = boto3.client("s3", region_name="eu-west-1")
    bucket = f"imagesite-deployment-{site.account}"
    s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    s3.put_object(Bucket=bucket, Key="zappa_settings.json", Body=SETTINGS.read_bytes())
    assert walk(site.code()) == 0
    assert [asked.split(" -")[0] for asked in programs(site).asked] == [
        "make package",
        "python manage.py collectstatic",
        "zappa deploy production_worker",
        "zappa manage production_worker",
        "zappa deploy production",
        "python manage.py doctor",
    ]
    assert site.settings_file.read_text() == SETTINGS.read_text()


def test_the_code_alone_needs_an_account_that_was_made_ready(
    site: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    assert walk(site.code()) == 1
    assert programs(site).asked == []
    assert "make deploy" in capsys.readouterr().err


def test_a_later_deploy_updates_what_is_there(site: Site) -> None:
    make_function("imagesite-production")
    make_api("imagesite-production")
    make_function("imagesite-production-worker")
    assert walk(site.up()) == 0
    asked = programs(site).asked
    assert "zappa update production_worker" in asked
    assert "zappa update production" in asked
    assert not [command for command in asked if command.startswith("zappa deploy")]


def test_a_deploy_that_broke_before_its_api_is_undone_first(site: Site) -> None:
    make_function("imagesite-production")
    assert walk(site.up()) == 0
    asked = programs(site).asked
    assert asked.index("zappa undeploy production") < asked.index("zappa deploy production")


def test_it_stops_at_the_first_failure_and_says_what_to_do(
    site: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    site.run = Programs(broken="make package")
    assert walk(site.up()) == 1
    assert programs(site).asked[-1] == "make package"
    said = capsys.readouterr().err
    assert "Stopped at step 8, package: it broke" in said
    assert "Run `make package` alone" in said


def test_every_step_of_all_ways_has_advice(site: Site) -> None:
    steps = [*site.up(), *site.code(), *site.down()]
    assert all(step.advice.endswith(".") and len(step.advice) > 10 for step in steps)


def test_secrets_are_made_once(site: Site) -> None:
    assert walk(site.up()) == 0
    first = programs(site).env
    assert walk(site.up()) == 0
    assert programs(site).env == first
    assert first["TF_VAR_secrets_version"] == "1"
    values = json.loads(first["TF_VAR_secrets"])
    assert (
        len(
            {
                values[name]
                for name in ("web_secret_key", "worker_secret_key", "origin_secrets", "database_password")
            }
        )
        == 4
    )
    assert first["TF_VAR_cloudfront_public_key"].startswith("-----BEGIN PUBLIC KEY-----")


def test_a_database_url_is_kept_and_makes_terraform_write_the_secrets_again(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert walk(site.up()) == 0
    monkeypatch.setenv("DATABASE_URL", "postgres://one")
    assert walk(site.up()) == 0
    monkeypatch.delenv("DATABASE_URL")
    assert walk(site.up()) == 0
    env = programs(site).env
    assert json.loads(env["TF_VAR_secrets"])["database_url"] == "postgres://one"
    assert env["TF_VAR_secrets_version"] == "2"


def test_cloudfront_sends_the_first_of_several_origin_secrets(site: Site) -> None:
    assert walk(site.up()) == 0
    ssm = boto3.client("ssm", region_name="eu-west-1")
    kept = json.loads(ssm.get_parameter(Name="/imagesite/deploy", WithDecryption=True)["Parameter"]["Value"])
    kept["origin_secrets"] = "new,old"
    ssm.put_parameter(Name="/imagesite/deploy", Value=json.dumps(kept), Type="SecureString", Overwrite=True)
    assert walk(site.up()) == 0
    assert programs(site).env["TF_VAR_origin_secret"] == "new"


def test_an_account_too_small_for_the_reservation_stops_before_anything_is_deployed(
    site: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    site.limit = 10
    assert walk(site.up()) == 1
    assert "worker_concurrency = null" in capsys.readouterr().err
    assert not [asked for asked in programs(site).asked if asked.startswith("zappa")]


def test_a_site_that_does_not_answer_is_no_success(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    site.status_of = lambda url: 503
    site.patience_seconds = -1
    assert walk(site.up()) == 1
    assert "https://images.example.com/healthz answers 503" in capsys.readouterr().err


def test_the_state_bucket_is_private_and_versioned(site: Site) -> None:
    assert walk(site.up()) == 0
    s3 = boto3.client("s3", region_name="eu-west-1")
    bucket = f"imagesite-state-{site.account}"
    assert all(s3.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"].values())
    assert s3.get_bucket_versioning(Bucket=bucket)["Status"] == "Enabled"


def test_down_asks_first(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.ask = True
    monkeypatch.setattr("builtins.input", lambda question: "no")
    assert walk(site.down()) == 1
    assert programs(site).asked == []


def test_down_takes_away_functions_data_and_leftovers_in_this_order(site: Site) -> None:
    make_function("imagesite-production")
    make_api("imagesite-production")
    make_function("imagesite-production-worker")
    assert walk(site.up()) == 0
    programs(site).asked.clear()
    assert walk(site.down()) == 0
    assert programs(site).asked == [
        "terraform init -reconfigure",
        "terraform output -raw",
        "zappa undeploy production",
        "zappa undeploy production_worker",
        "terraform state list",
        "terraform apply -var",
        "terraform destroy -var",
    ]
    assert boto3.client("s3", region_name="eu-west-1").list_buckets()["Buckets"] == []
    assert boto3.client("ssm", region_name="eu-west-1").describe_parameters()["Parameters"] == []


def test_down_lets_data_go_only_where_something_guards_it(site: Site) -> None:
    calls: list[Sequence[str]] = []
    plain = programs(site)

    def run(command: Sequence[str], folder: Path, env: Mapping[str, str], capture: bool) -> str:
        calls.append(command)
        return plain(command, folder, env, capture)

    site.run = run
    assert walk(site.down()) == 0
    (apply,) = [command for command in calls if command[:2] == ["terraform", "apply"]]
    assert [argument for argument in apply if argument.startswith("-target")] == [
        '-target=aws_s3_bucket.this["uploads"]'
    ]


def test_nothing_goes_on_after_a_step_that_fails() -> None:
    def fail() -> None:
        raise DeployError("no")

    done: list[str] = []
    steps = [
        Step("one", lambda: done.append("one"), "."),
        Step("two", fail, "."),
        Step("three", lambda: done.append("three"), "."),
    ]
    assert walk(steps) == 1
    assert done == ["one"]
