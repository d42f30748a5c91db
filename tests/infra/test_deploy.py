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
from botocore.exceptions import ClientError

from infra.deploy import Step, code, down, rollback, rotate, up, walk
from infra.deployment import Deployment
from infra.errors import DeployError
from infra.preflight import Preflight
from infra.rollback import Rollback

pytestmark = pytest.mark.long

SETTINGS = Path(__file__).resolve().parents[2] / "zappa_settings.json"
PYTHON = "/opt/python/bin/python3.13"  # the Python for the package; never started here


KEYS = b'{"keys": [{"kid": "1", "kty": "RSA"}]}'


def with_keys() -> dict[str, Any]:
    """Return the settings as deployed, including the pool's public keys."""
    settings: dict[str, Any] = json.loads(SETTINGS.read_text())
    settings["production"]["aws_environment_variables"]["COGNITO_JWKS"] = KEYS.decode()
    return settings


class Programs:
    """Records commands; `broken` fails."""

    def __init__(self, broken: str = "") -> None:
        self.asked: list[str] = []
        self.broken = broken
        self.folders: set[str] = set()
        self.env: dict[str, str] = {}

    def __call__(self, command: Sequence[str], folder: Path, env: Mapping[str, str], capture: bool) -> str:
        name = "python" if command[0] == PYTHON else Path(command[0]).name
        asked = " ".join([name, *command[1:3]])
        self.asked.append(asked)
        if self.broken and self.broken in asked:
            raise DeployError("it broke")
        self.folders.add(env.get("TF_DATA_DIR", ""))
        if command[0] == "terraform":
            self.env = dict(env)
        return {
            "terraform output -raw": SETTINGS.read_text(),
            "terraform state list": 'aws_s3_bucket.this["uploads"]\naws_s3_bucket_policy.this["uploads"]\naws_vpc.this[0]\naws_api_gateway_usage_plan.edge[0]',
        }.get(asked, "")


@pytest.fixture(autouse=True)
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    monkeypatch.delenv("DATABASE_URL", raising=False)
    monkeypatch.setattr(Preflight, "python", lambda self: self.interpreter)
    with moto.mock_aws():
        yield


class Site(Deployment):
    """A deployment in an account of which only the concurrency and the plan are known."""

    limit = 1000

    def aws(self, service: str) -> Any:
        client = super().aws(service)
        if service == "freetier":
            client.get_account_plan_state = lambda: {"accountPlanType": "PAID"}
        if service == "lambda":
            limits = {"ConcurrentExecutions": self.limit, "UnreservedConcurrentExecutions": self.limit}
            client.get_account_settings = lambda: {"AccountLimit": limits}
        return client


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(
        "imagesite",
        "eu-west-1",
        ask=False,
        run=Programs(),
        status_of=lambda url: 200,
        infra=tmp_path / "infra",
        builds=tmp_path,
        python=PYTHON,
        fetch=lambda url: KEYS if url.endswith("/jwks.json") else pytest.fail(url),
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


def make_api(name: str, *, stage: str | None = "production") -> str:
    """Create an API with its stage, as Zappa does; return its id."""
    client = boto3.client("apigateway", region_name="eu-west-1")
    api: str = client.create_rest_api(name=name)["id"]
    (root,) = client.get_resources(restApiId=api)["items"]
    method = {"restApiId": api, "resourceId": root["id"], "httpMethod": "GET"}
    client.put_method(**method, authorizationType="NONE")
    client.put_integration(**method, type="MOCK")
    if stage:
        client.create_deployment(restApiId=api, stageName=stage)
    return api


def keep_settings(site: Site) -> None:
    """Store Zappa's settings where Terraform keeps them for the deployer."""
    s3 = boto3.client("s3", region_name="eu-west-1")
    bucket = f"imagesite-deployment-{site.account}"
    s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    s3.put_object(Bucket=bucket, Key="zappa_settings.json", Body=SETTINGS.read_bytes())


def test_the_first_deploy_applies_deploys_and_applies_again(site: Site) -> None:
    assert walk(up(site)) == 0
    assert [
        asked.removesuffix(" -raw").split(" -v")[0].split(" -re")[0] for asked in programs(site).asked
    ] == [
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


def test_the_code_alone_is_deployed_without_terraform(site: Site) -> None:
    keep_settings(site)
    assert walk(code(site)) == 0
    assert [
        asked.removesuffix(" -raw").split(" -v")[0].split(" -re")[0] for asked in programs(site).asked
    ] == [
        "python -m infra.package",
        "python manage.py collectstatic",
        "zappa deploy production_worker",
        "zappa manage production_worker",
        "zappa deploy production",
        "python manage.py doctor",
    ]
    assert json.loads(site.settings_file.read_text()) == with_keys()


def test_the_code_alone_needs_an_account_that_was_made_ready(
    site: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    assert walk(code(site)) == 1
    assert programs(site).asked == []
    assert "make deploy" in capsys.readouterr().err


def test_a_later_deploy_updates_the_functions(site: Site) -> None:
    make_function("imagesite-production")
    make_api("imagesite-production")
    make_function("imagesite-production-worker")
    assert walk(up(site)) == 0
    asked = programs(site).asked
    assert "zappa update production_worker" in asked
    assert "zappa update production" in asked
    assert not [command for command in asked if command.startswith("zappa deploy")]


def test_it_stops_at_the_first_failure_and_says_what_to_do(
    site: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    site.run = Programs(broken="python -m infra.package")
    assert walk(up(site)) == 1
    assert programs(site).asked[-1] == "python -m infra.package"
    said = capsys.readouterr().err
    assert "Stopped at step 9, package: it broke" in said
    assert "`make package` builds only the package" in said


def test_every_step_of_all_ways_has_advice(site: Site) -> None:
    steps = [*up(site), *code(site), *rotate(site), *rollback(site), *down(site)]
    assert all(step.advice.endswith(".") and len(step.advice) > 10 for step in steps)


def test_secrets_are_made_once(site: Site) -> None:
    assert walk(up(site)) == 0
    first = programs(site).env
    assert walk(up(site)) == 0
    assert programs(site).env == first
    assert first["TF_VAR_secrets_version"] == "1"
    values = json.loads(first["TF_VAR_secrets"])
    random = ("web_secret_keys", "worker_secret_key", "origin_secrets", "database_password")
    assert len({values[name] for name in random}) == 4
    (public,) = json.loads(first["TF_VAR_cloudfront_public_keys"])
    assert public.startswith("-----BEGIN PUBLIC KEY-----")


def test_a_database_url_is_kept_and_makes_terraform_write_the_secrets_again(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert walk(up(site)) == 0
    monkeypatch.setenv("DATABASE_URL", "postgres://one")
    assert walk(up(site)) == 0
    monkeypatch.delenv("DATABASE_URL")
    assert walk(up(site)) == 0
    env = programs(site).env
    assert json.loads(env["TF_VAR_secrets"])["database_url"] == "postgres://one"
    assert env["TF_VAR_secrets_version"] == "2"


def test_two_sites_of_one_account_share_neither_state_nor_settings_nor_build(tmp_path: Path) -> None:
    sites = [Deployment(name, "eu-west-1", infra=tmp_path, builds=tmp_path) for name in ("staging", "live")]
    for site in sites:
        (tmp_path / f"{site.project}.tfvars").write_text("")
    for what in ("state_bucket", "secrets_name", "settings_file", "build", "tfvars"):
        assert len({str(getattr(site, what)) for site in sites}) == 2, what
    assert f"-var-file={tmp_path / 'live.tfvars'}" in sites[1].variables


def test_terraform_keeps_its_own_files_apart_for_each_site(site: Site) -> None:
    assert walk(up(site)) == 0
    assert programs(site).folders == {"", str(site.build / "terraform")}


def test_a_rollback_is_of_both_functions_and_of_the_deployed_settings(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep_settings(site)
    seen: list[tuple[str, dict[str, str]]] = []
    monkeypatch.setattr(Rollback, "run", lambda self, functions: seen.append((self.bucket, functions)))
    assert walk(rollback(site)) == 0
    names = {"production": "imagesite-production", "production_worker": "imagesite-production-worker"}
    assert seen == [(with_keys()["base"]["s3_bucket"], names)]
    assert json.loads(site.settings_file.read_text()) == with_keys()


def test_the_certificates_of_aurora_are_in_the_package(site: Site) -> None:
    settings = json.loads(SETTINGS.read_text())
    settings["base"]["vpc_config"] = {"SubnetIds": ["subnet-1"], "SecurityGroupIds": ["sg-1"]}
    (site.build / "site").mkdir(parents=True)
    site.settings_file.write_text(json.dumps(settings))
    site.fetch = lambda url: b"-----BEGIN CERTIFICATE-----"
    site.make_package()
    assert (site.build / "site" / "rds-ca.pem").read_bytes().startswith(b"-----BEGIN CERTIFICATE-----")


def test_without_aurora_nothing_is_fetched(site: Site) -> None:
    site.build.mkdir(parents=True)
    site.settings_file.write_text(SETTINGS.read_text())
    site.fetch = lambda url: pytest.fail("it asked the internet")
    site.make_package()


def test_an_expired_session_is_reported(capsys: pytest.CaptureFixture[str]) -> None:
    def fail() -> None:
        raise ClientError({"Error": {"Code": "ExpiredToken", "Message": "expired"}}, "GetObject")

    assert walk([Step("one", fail, "Never said.")]) == 1
    assert "Your session has expired; log in again." in capsys.readouterr().err


def test_a_site_that_does_not_respond_is_a_failure(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    site.status_of = lambda url: 503
    site.patience_seconds = -1
    assert walk(up(site)) == 1
    assert "https://images.example.com/healthz answers 503" in capsys.readouterr().err


def test_down_asks_first(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.ask = True
    monkeypatch.setattr("builtins.input", lambda question: "no")
    assert walk(down(site)) == 1
    assert programs(site).asked == []


def test_down_removes_functions_data_and_leftovers_in_this_order(site: Site) -> None:
    make_function("imagesite-production")
    make_api("imagesite-production")
    make_function("imagesite-production-worker")
    assert walk(up(site)) == 0
    programs(site).asked.clear()
    assert walk(down(site)) == 0
    assert programs(site).asked == [
        "terraform init -reconfigure",
        "terraform state list",
        "terraform destroy -var",
        "terraform output -raw",
        "zappa undeploy production",
        "zappa undeploy production_worker",
        "terraform state list",
        "terraform apply -var",
        "terraform destroy -var",
    ]
    assert boto3.client("s3", region_name="eu-west-1").list_buckets()["Buckets"] == []
    assert boto3.client("ssm", region_name="eu-west-1").describe_parameters()["Parameters"] == []


def test_down_turns_off_deletion_protection_only_where_it_exists(site: Site) -> None:
    calls: list[Sequence[str]] = []
    plain = programs(site)

    def run(command: Sequence[str], folder: Path, env: Mapping[str, str], capture: bool) -> str:
        calls.append(command)
        return plain(command, folder, env, capture)

    site.run = run
    assert walk(down(site)) == 0
    (apply,) = [command for command in calls if command[:2] == ["terraform", "apply"]]
    assert [argument for argument in apply if argument.startswith("-target")] == [
        '-target=aws_s3_bucket.this["uploads"]'
    ]


def test_no_step_runs_after_a_failed_one() -> None:
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
