"""What the deployment test leaves out because Terraform waits long for it, on a mock AWS: Aurora with its
network, a custom domain with mail, and the life cycles of buckets. Together, the two tests cover the whole
system.
"""

from __future__ import annotations

import http.client
import json
import os
import re
from pathlib import Path
from typing import Any

import boto3

from infra.tests.mock_aws import MockAws
from infra.tests.terraform import FOR_THE_MOCK, Terraform, copy_of_module
from tests.cloud.iam import ACCOUNT

PASSWORD = "a-password-of-the-database"
SETTINGS = """
allow_data_loss      = true
outbound_internet    = true
labels               = true
domain_name          = "images.example.com"
zone_name            = "example.com"
redirect_root_domain = true
mail_from            = "images@mail.example.com"
origin_secrets       = ["first"]
secrets_version      = 1
"""


def test_aurora_a_domain_and_lifecycles_are_created_and_destroyed(aws: MockAws, tmp_path: Path) -> None:
    zone = boto3.client("route53").create_hosted_zone(Name="example.com", CallerReference="1")["HostedZone"][
        "Id"
    ]
    infra = copy_of_module(tmp_path / "infra")
    (infra / "mock_override.tf").write_text('terraform {\n  backend "local" {}\n}\n' + FOR_THE_MOCK)
    (infra / "terraform.tfvars").write_text(SETTINGS)
    secrets = {
        "web_secret_keys": "web",
        "worker_secret_key": "worker",
        "origin_secrets": "first",
        "database_password": PASSWORD,
    }
    terraform = Terraform(infra, {**os.environ, "TF_VAR_secrets": json.dumps(secrets)})
    parts = [
        f"-target={kind}.{name}"
        for file in (
            "network.tf",
            "database.tf",
            "secrets.tf",
            "dns.tf",
            "storage.tf",
            "mail.tf",
            "identity.tf",
        )
        for kind, name in re.findall(r'^resource "(\w+)" "(\w+)"', (infra / file).read_text(), re.MULTILINE)
    ]
    terraform("init", "-lockfile=readonly")
    terraform("apply", "-auto-approve", *parts)
    assert terraform.changes(*parts) == []

    assert PASSWORD not in (infra / "terraform.tfstate").read_text()
    (url,) = (
        parameter["Value"]
        for parameter in boto3.client("ssm").get_parameters_by_path(
            Path="/imagesite/production_worker", WithDecryption=True
        )["Parameters"]
        if parameter["Name"].endswith("DATABASE_URL")
    )
    endpoint = boto3.client("rds").describe_db_clusters()["DBClusters"][0]["Endpoint"]
    options = "sslmode=verify-full&sslrootcert=/var/task/rds-ca.pem&conn_max_age=60"
    assert url == f"postgres://imagesite:{PASSWORD}@{endpoint}:5432/imagesite?{options}"

    assert {
        "images.example.com. A",
        "images.example.com. AAAA",
        "example.com. A",
        "example.com. AAAA",
        "_amazonses.mail.example.com. TXT",
    } <= records(zone)
    assert sum("._domainkey.mail.example.com. CNAME" in record for record in records(zone)) == 3
    (pool,) = boto3.client("cognito-idp").list_user_pools(MaxResults=1)["UserPools"]
    writes = boto3.client("cognito-idp").describe_user_pool(UserPoolId=pool["Id"])["UserPool"][
        "EmailConfiguration"
    ]
    assert (writes["EmailSendingAccount"], writes["From"]) == ("DEVELOPER", "images@mail.example.com")
    assert writes["SourceArn"].endswith(":identity/mail.example.com")
    # CloudFront looks for its certificate only in this region.
    (certificate,) = boto3.client("acm", region_name="us-east-1").list_certificates()[
        "CertificateSummaryList"
    ]
    assert certificate["DomainName"] == "images.example.com"
    visitor = http.client.HTTPConnection("127.0.0.1", aws.edge_port)
    visitor.request("GET", "/formats/?a=1", headers={"Host": "example.com"})
    answer = visitor.getresponse()
    assert (answer.status, answer.headers["Location"]) == (301, "https://images.example.com/formats/?a=1")
    visitor.close()

    rules = boto3.client("s3").get_bucket_lifecycle_configuration(Bucket=f"imagesite-uploads-{ACCOUNT}")[
        "Rules"
    ]
    assert [rule["Expiration"] for rule in rules] == [{"Days": 8}]

    terraform("destroy", "-auto-approve")
    assert boto3.client("s3").list_buckets()["Buckets"] == []
    assert boto3.client("rds").describe_db_clusters()["DBClusters"] == []
    assert records(zone) == {"example.com. NS", "example.com. SOA"}


def records(zone: Any) -> set[str]:
    found = boto3.client("route53").list_resource_record_sets(HostedZoneId=zone)["ResourceRecordSets"]
    return {f"{record['Name']} {record['Type']}" for record in found}
