"""Aurora with its network, on a mock AWS. Apart from the walk because Terraform waits half a minute at every step of a
cluster; together they are the whole system.
"""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import boto3

from infra.tests.mock_aws import MockAws
from infra.tests.terraform import FOR_THE_MOCK, Terraform, copy_of_module


def test_aurora_and_its_network_settle_and_go(aws: MockAws, tmp_path: Path) -> None:
    infra = copy_of_module(tmp_path / "infra")
    (infra / "mock_override.tf").write_text('terraform {\n  backend "local" {}\n}\n' + FOR_THE_MOCK)
    password = "a-password-of-the-database"
    terraform = Terraform(
        infra,
        {
            **os.environ,
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
