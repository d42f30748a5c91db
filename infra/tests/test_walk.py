"""On a mock AWS: the whole walk with real Terraform and a stand-in for Zappa; and, beside it, Aurora with its network.

Apart because Terraform waits half a minute at every step of a cluster; together they are the whole system.
"""

from __future__ import annotations

import io
import json
import os
import re
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import boto3
import pytest

from infra.deploy import Deployment, walk
from infra.tests.mock_aws import mock_aws
from infra.tests.terraform import Terraform, copy_of_module, environment

EVERYTHING_ON = """
database_mode        = "external"
domain_name          = "images.example.com"
zone_name            = "example.com"
redirect_root_domain = true
firewall             = true
labels               = true
advanced_security    = true
alarm_email          = "someone@example.com"
github_repository    = "example/imagesite"
"""

# One attempt less would fail on a cold start, the provider's own 25 would take minutes to report a fault. The pool's
# tier is the one value that moto forgets.
FOR_THE_MOCK = """
provider "aws" {
  max_retries = 3
}

provider "aws" {
  alias       = "us_east_1"
  max_retries = 3
}

resource "aws_cognito_user_pool" "people" {
  lifecycle {
    ignore_changes = [user_pool_tier]
  }
}
"""


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[dict[str, str]]:
    """An environment in which boto3 and Terraform talk to a mock AWS."""
    with mock_aws() as url:
        env = {**environment(tmp_path), "AWS_ENDPOINT_URL": url}
        for name, value in env.items():
            if name.startswith(("AWS_", "TF_", "CHECKPOINT_")):
                monkeypatch.setenv(name, value)
        yield env


class Programs:
    """Runs Terraform for real; does to the mock AWS what Zappa would; notes what else was asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def __call__(self, command: Sequence[str], folder: Path, env: Mapping[str, str], capture: bool) -> str:
        program = Path(command[0]).name
        if program == "terraform":
            self.asked.append(f"terraform {command[1]}")
            return Terraform(folder, {**os.environ, **env})(*command[1:])
        self.asked.append(" ".join([program, *command[1:3]]))
        if program == "zappa" and command[1] in ("deploy", "undeploy"):
            settings = json.loads(Path(command[-1]).read_text())
            act = zappa_deploys if command[1] == "deploy" else zappa_undeploys
            act(command[2], settings)
        return ""


def zappa_deploys(stage: str, settings: dict[str, dict[str, str]]) -> None:
    name = f"{settings['base']['project_name']}-{stage.replace('_', '-')}"
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("handler.py", "")
    boto3.client("lambda").create_function(
        FunctionName=name,
        Role=settings[stage]["role_arn"],
        Runtime="python3.11",
        Handler="handler.lambda_handler",
        Code={"ZipFile": archive.getvalue()},
    )
    if stage == "production":
        boto3.client("apigateway").create_rest_api(name=name)


def zappa_undeploys(stage: str, settings: dict[str, dict[str, str]]) -> None:
    name = f"{settings['base']['project_name']}-{stage.replace('_', '-')}"
    boto3.client("lambda").delete_function(FunctionName=name)
    gateway = boto3.client("apigateway")
    for api in gateway.get_rest_apis()["items"]:
        if api["name"] == name:
            gateway.delete_rest_api(restApiId=api["id"])


def test_the_walk_goes_up_settles_and_comes_down(
    aws: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgres://somewhere-else")
    boto3.client("route53").create_hosted_zone(Name="example.com", CallerReference="1")
    infra = copy_of_module(tmp_path / "infra")
    (infra / "terraform.tfvars").write_text(EVERYTHING_ON)
    (infra / "mock_override.tf").write_text(FOR_THE_MOCK)
    (tmp_path / "build" / "site").mkdir(parents=True)
    programs = Programs()
    deployment = Deployment(
        project="imagesite",
        region="eu-west-1",
        ask=False,
        run=programs,
        status_of=lambda url: 200 if url == "https://images.example.com/healthz" else 0,
        infra=infra,
        build=tmp_path / "build",
    )

    assert walk(deployment.up()) == 0
    assert programs.asked == [
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
        "terraform output",
    ]

    terraform = Terraform(infra, {**aws, **deployment._secrets})
    assert terraform.changes() == []
    assert json.loads(terraform("output", "-json", "deployed")) is True
    state = terraform("state", "pull")
    for secret in secrets_of(deployment):
        assert secret not in state

    assert walk(deployment.down()) == 0
    assert boto3.client("lambda").list_functions()["Functions"] == []
    assert boto3.client("s3").list_buckets()["Buckets"] == []
    assert boto3.client("ssm").describe_parameters()["Parameters"] == []
    assert boto3.client("iam").list_roles()["Roles"] == []


def secrets_of(deployment: Deployment) -> list[str]:
    values = json.loads(deployment._secrets["TF_VAR_secrets"])
    return [
        values[name]
        for name in ("web_secret_key", "worker_secret_key", "database_url", "cloudfront_private_key")
    ]


def test_aurora_and_its_network_settle_and_go(aws: dict[str, str], tmp_path: Path) -> None:
    infra = copy_of_module(tmp_path / "infra")
    (infra / "mock_override.tf").write_text('terraform {\n  backend "local" {}\n}\n' + FOR_THE_MOCK)
    password = "a-password-of-the-database"
    terraform = Terraform(
        infra,
        {
            **aws,
            "TF_VAR_allow_data_loss": "true",
            "TF_VAR_outbound_internet": "true",
            "TF_VAR_labels": "true",
            "TF_VAR_origin_secret": "first",
            "TF_VAR_secrets_version": "1",
            "TF_VAR_secrets": json.dumps(
                {
                    "web_secret_key": "web",
                    "worker_secret_key": "worker",
                    "origin_secrets": "first",
                    "database_password": password,
                }
            ),
        },
    )
    parts = [
        f"-target={kind}.{name}"
        for file in ("network.tf", "database.tf", "secrets.tf")
        for kind, name in re.findall(r'^resource "(\w+)" "(\w+)"', (infra / file).read_text(), re.MULTILINE)
    ]
    terraform("init", "-lockfile=readonly")
    terraform("apply", "-auto-approve", *parts)
    assert terraform.changes(*parts) == []
    assert password not in (infra / "terraform.tfstate").read_text()
    (url,) = (
        parameter["Value"]
        for parameter in boto3.client("ssm").get_parameters_by_path(
            Path="/imagesite/production_worker", WithDecryption=True
        )["Parameters"]
        if parameter["Name"].endswith("DATABASE_URL")
    )
    endpoint = boto3.client("rds").describe_db_clusters()["DBClusters"][0]["Endpoint"]
    assert url == f"postgres://imagesite:{password}@{endpoint}:5432/imagesite?sslmode=require"

    terraform("destroy", "-auto-approve")
    assert boto3.client("rds").describe_db_clusters()["DBClusters"] == []
