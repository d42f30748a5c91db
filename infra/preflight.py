"""Checks that run before anything is created: `make preflight`, and the first step of `make deploy`.

Each check returns what it found, or raises DeployError with what to do.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from infra.errors import DeployError
from infra.package import ROOT

# AWS keeps this much of an account's concurrency unreservable.
UNRESERVED = 100
OLDEST_TERRAFORM = (1, 11)
# Prefixes reserved by SSM, EC2 and S3, RDS's own subnet group, and names that RDS and Zappa reject.
RESERVED = "--|^(aws|ssm)|^(sg|sthree|amzn-s3-demo)(-|$)|^default$"
SERVICES = ("apigateway", "cognito-idp", "dynamodb", "lambda", "rds", "sesv2", "ssm")
NULL_IS_NOT_DEFAULT = ("monthly_budget", "web_concurrency", "worker_concurrency")
GITHUB = "token.actions.githubusercontent.com"


@dataclass
class Preflight:
    project: str
    region: str
    settings: dict[str, str]
    aws: Callable[[str], Any]
    interpreter: str  # the Python that builds the package

    def checks(self) -> list[tuple[str, Callable[[], str]]]:
        return [
            ("name", self.name),
            ("python", self.python),
            ("terraform", self.terraform),
            ("region", self.offered),
            ("credentials", self.credentials),
            ("concurrency", self.concurrency),
            ("buckets", self.buckets),
            ("database", self.database),
            ("domain", self.domain),
            ("mail", self.mail),
            ("budget", self.budget),
            ("github", self.github),
        ]

    def run(self) -> None:
        """Print one line per check; raise DeployError if any failed."""
        failed = 0
        for name, check in self.checks():
            try:
                print(f"  ok       {name}: {check()}")
            except (DeployError, ClientError, BotoCoreError) as error:
                failed += 1
                print(f"  problem  {name}: {error}")
        print(
            "  note     AWS Support may have to verify an account that never had a CloudFront distribution."
        )
        if failed:
            raise DeployError(f"{failed} of these checks failed")

    # --- This machine ---

    def name(self) -> str:
        if not re.fullmatch(r"[a-z][a-z0-9-]{0,14}[a-z0-9]", self.project):
            raise DeployError(
                f"PROJECT={self.project} is not valid: use 2 to 16 lower-case letters, digits and hyphens, starting with a letter."
            )
        if re.search(RESERVED, self.project):
            raise DeployError(
                f"PROJECT={self.project} is not valid: AWS reserves names that start with aws, ssm, sg-, sthree- "
                "or amzn-s3-demo-, and default; and no two hyphens may follow each other."
            )
        return self.project

    def python(self) -> str:
        command = [self.interpreter, "-m", "infra.package", "--check"]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        if done.returncode:
            raise DeployError(done.stderr.strip())
        return done.stdout.strip()

    def terraform(self) -> str:
        if shutil.which("terraform") is None:
            raise DeployError("it is not installed: developer.hashicorp.com/terraform/install")
        said = subprocess.run(
            ["terraform", "version", "-json"], capture_output=True, text=True, check=True
        ).stdout
        version = str(json.loads(said)["terraform_version"])
        if tuple(map(int, version.split(".")[:2])) < OLDEST_TERRAFORM:
            raise DeployError(f"{version} is too old: install 1.11 or newer.")
        return version

    # --- The account ---

    def offered(self) -> str:
        session = boto3.Session()
        missing = [name for name in SERVICES if self.region not in session.get_available_regions(name)]
        if missing:
            raise DeployError(f"{self.region} has no {', '.join(missing)}. Choose another AWS_REGION.")
        return self.region

    @cached_property
    def account(self) -> str:
        return str(self.aws("sts").get_caller_identity()["Account"])

    def credentials(self) -> str:
        return f"account {self.account}"

    def number(self, name: str, default: int) -> int:
        text = self.settings.get(name, str(default))
        return int(text) if text.isdecimal() else 0

    def concurrency(self) -> str:
        limits = self.aws("lambda").get_account_settings()["AccountLimit"]
        wanted = self.number("web_concurrency", 0) + self.number("worker_concurrency", 20)
        left = int(limits["UnreservedConcurrentExecutions"]) + self.reserved() - wanted
        if wanted and left < UNRESERVED:
            raise DeployError(
                f"reserving {wanted} executions would leave {left} of the account's "
                f"{limits['ConcurrentExecutions']} to all other functions, and {UNRESERVED} must stay free. Ask AWS for 1000 or "
                "more (Service Quotas, Lambda, concurrent executions), or set "
                f"worker_concurrency = null in infra/{self.project}.tfvars."
            )
        return f"{limits['ConcurrentExecutions']} at once, {wanted} reserved"

    def reserved(self) -> int:
        """Return the concurrency that an earlier deploy has reserved for this site."""
        client, total = self.aws("lambda"), 0
        for function in (f"{self.project}-production", f"{self.project}-production-worker"):
            try:
                found = client.get_function_concurrency(FunctionName=function)
            except client.exceptions.ResourceNotFoundException:
                continue
            total += int(found.get("ReservedConcurrentExecutions", 0))
        return total

    def buckets(self) -> str:
        s3 = self.aws("s3")
        for use in ("state", "uploads", "results", "static", "logs", "deployment"):
            bucket = f"{self.project}-{use}-{self.account}"
            try:
                found = s3.head_bucket(Bucket=bucket, ExpectedBucketOwner=self.account)
                if (region := found.get("BucketRegion", self.region)) != self.region:
                    raise DeployError(
                        f"{bucket} is in {region}: {self.project} is already deployed there. Set AWS_REGION={region}, or "
                        "choose another PROJECT."
                    )
            except ClientError as error:
                if error.response["Error"]["Code"] != "404":
                    raise DeployError(
                        f"{bucket} belongs to another account. Choose another PROJECT."
                    ) from error
        return "their names are free or belong to this site"

    def database(self) -> str:
        mode = self.settings.get("database_mode", "aurora")
        if mode == "external" and not os.environ.get("DATABASE_URL"):
            return "external; DATABASE_URL is not set, so the stored URL is used"
        if mode == "aurora" and self.plan() == "FREE":
            raise DeployError(
                "the account is on AWS's free plan, which has no Aurora in a private network. Upgrade the account to the "
                "paid plan (Billing and Cost Management; its credits stay), or set "
                f'database_mode = "external" in infra/{self.project}.tfvars.'
            )
        return mode

    def plan(self) -> str:
        """Return the account's plan, or "" if it has none, like accounts from before July 2025, or cannot be asked."""
        try:
            return str(self.aws("freetier").get_account_plan_state()["accountPlanType"])
        except (ClientError, BotoCoreError):  # the API has one host, in another domain than the others
            return ""

    def domain(self) -> str:
        zone = self.settings.get("zone_name")
        if not zone:
            return "none: the site uses CloudFront's domain name"
        listed = self.aws("route53").list_hosted_zones_by_name(DNSName=zone)["HostedZones"]
        found = [one for one in listed if one["Name"] == f"{zone}." and not one["Config"]["PrivateZone"]]
        if not found:
            raise DeployError(
                f"this account has no public hosted zone {zone}. Create it in Route 53 and set its name servers at the "
                "domain's registrar: without them the certificate is never issued."
            )
        if len(found) > 1:
            raise DeployError(
                f"this account has {len(found)} hosted zones {zone}. Delete those that the registrar does not use."
            )
        return str(self.settings.get("domain_name", zone))

    def mail(self) -> str:
        if "mail_from" not in self.settings:
            return "Cognito sends at most 50 mails a day; set mail_from to send through SES"
        if not self.aws("sesv2").get_account().get("ProductionAccessEnabled"):
            raise DeployError(
                "SES is in its sandbox and sends only to verified addresses. Request production access (SES, Account "
                "dashboard, Request production access), and leave out mail_from until then."
            )
        return self.settings["mail_from"]

    def budget(self) -> str:
        """Try what Terraform will do: billing is closed to IAM users until the root user opens it."""
        if "alarm_email" not in self.settings or self.settings.get("monthly_budget") == "null":
            return "none"
        try:
            self.aws("budgets").describe_budgets(AccountId=self.account, MaxResults=1)
        except ClientError as error:
            raise DeployError(
                f"budgets cannot be read: {error.response['Error'].get('Message', '')} As the root user, open the billing "
                "data (Account, IAM user and role access to Billing information), or set monthly_budget = null in "
                f"infra/{self.project}.tfvars."
            ) from error
        return f"mails to {self.settings['alarm_email']}"

    def github(self) -> str:
        if "github_repository" not in self.settings or "github_provider_arn" in self.settings:
            return self.settings.get("github_repository", "no pipeline")
        for provider in self.aws("iam").list_open_id_connect_providers()["OpenIDConnectProviderList"]:
            arn = str(provider["Arn"])
            if arn.endswith(f"/{GITHUB}") and not self.is_ours(arn):
                raise DeployError(
                    f'the account has a provider for GitHub already; write github_provider_arn = "{arn}" into '
                    f"infra/{self.project}.tfvars."
                )
        return self.settings["github_repository"]

    def is_ours(self, provider: str) -> bool:
        tags = self.aws("iam").list_open_id_connect_provider_tags(OpenIDConnectProviderArn=provider)["Tags"]
        return {"Key": "project", "Value": self.project} in tags


def settings_of(*files: Path) -> dict[str, str]:
    """Return the scalar settings of tfvars files; later files override earlier ones; null is `null`."""
    found: dict[str, str] = {}
    for file in files:
        if file.exists():
            lines = re.findall(r'^\s*(\w+)\s*=\s*"?([^"#\n]*?)"?\s*(?:#.*)?$', file.read_text(), re.MULTILINE)
            found |= dict(lines)
    return {name: value for name, value in found.items() if value != "null" or name in NULL_IS_NOT_DEFAULT}
