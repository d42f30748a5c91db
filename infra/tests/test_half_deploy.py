"""A deploy interrupted before its API exists: real Terraform stops there, and real Zappa removes it."""

from __future__ import annotations

import sys
from pathlib import Path

import boto3
import pytest

from infra.deployment import ROOT, Deployment
from infra.tests.mock_aws import fetch_from_mock
from infra.tests.terraform import Terraform, copy_of_module, environment
from tests.cloud.iam import ACCOUNT, REGION
from tests.infra.test_deploy import make_function

LOOK = (
    "plan",
    "-target=data.aws_api_gateway_rest_api.web",
    "-var=origin_secrets=[]",
    "-var=secrets_version=1",
)
SECRETS = '{"web_secret_keys": "", "worker_secret_key": "", "origin_secrets": "", "database_password": ""}'


@pytest.mark.usefixtures("aws")
def test_a_leftover_that_stops_terraform_is_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(
        "HTTPS_PROXY", "http://127.0.0.1:9"
    )  # Zappa checks the internet for its newest version
    infra = copy_of_module(tmp_path / "infra")
    (infra / "mock_override.tf").write_text('terraform {\n  backend "local" {}\n}\n')
    env = environment(tmp_path) | {
        "AWS_ENDPOINT_URL": boto3.client("s3").meta.endpoint_url,
        "TF_VAR_secrets": SECRETS,
    }
    terraform = Terraform(infra, env)
    terraform("init", "-lockfile=readonly")
    terraform(*LOOK)

    make_function("imagesite-production")
    assert "no matching API Gateway REST API" in terraform(*LOOK, expect=(1,))

    site = Deployment(
        "imagesite", REGION, ask=False, fetch=fetch_from_mock, builds=tmp_path, python=sys.executable
    )
    bucket = f"imagesite-deployment-{ACCOUNT}"
    boto3.client("s3").create_bucket(
        Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"}
    )
    pool = boto3.client("cognito-idp").create_user_pool(PoolName="people")["UserPool"]["Id"]
    example = (ROOT / "zappa_settings.json").read_text().replace("eu-west-1_Example01", pool)
    boto3.client("s3").put_object(Bucket=bucket, Key="zappa_settings.json", Body=example.encode())
    site.undo_half_deploy()
    assert not site.has_function("production")
    terraform(*LOOK)
