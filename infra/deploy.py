"""Walk the whole way from an empty AWS account to a running site, and back to nothing.

    python -m infra.deploy up      # or: make deploy
    python -m infra.deploy code    # or: make deploy-code, for whoever may no more
    python -m infra.deploy down    # or: make destroy

Every step may be repeated: what is done is not done twice. The walk stops at the first failure and says what to do;
then the same command goes on. Settings of one's own stand in infra/terraform.tfvars; PROJECT and AWS_REGION name what
and where; credentials are those of the AWS command line.
"""

from __future__ import annotations

import argparse
import json
import os
import secrets
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

ROOT = Path(__file__).resolve().parent.parent
INFRA = ROOT / "infra"
BUILD = ROOT / "build"

# Of an account's concurrency AWS keeps this much that nobody may reserve.
UNRESERVED = 100

# What refuses to be destroyed until it has been told that its data may go.
GUARDED = ("aws_s3_bucket.", "aws_dynamodb_table.", "aws_cognito_user_pool.", "aws_rds_cluster.")

Run = Callable[[Sequence[str], Path, Mapping[str, str], bool], str]


class DeployError(Exception):
    """The walk cannot go on; the text says why."""


@dataclass(frozen=True)
class Step:
    name: str
    act: Callable[[], None]
    advice: str


def run(command: Sequence[str], folder: Path, env: Mapping[str, str], capture: bool) -> str:
    """Run a program in view of the person, or return what it prints.

    Raises DeployError when it is missing or fails.
    """
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            env={**os.environ, **env},
            check=True,
            text=True,
            stdout=subprocess.PIPE if capture else None,
        )
    except FileNotFoundError as error:
        raise DeployError(f"{command[0]} is not there: {error}") from error
    except subprocess.CalledProcessError as error:
        raise DeployError(f"`{' '.join(command[:3])} …` ended with {error.returncode}") from error
    return done.stdout or ""


def status_of(url: str) -> int:
    """Return the HTTP status of a page, 0 when nothing answers."""
    try:
        with urllib.request.urlopen(url, timeout=30) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return 0


@dataclass
class Deployment:
    """One site in one account and region."""

    project: str
    region: str
    ask: bool = True
    run: Run = run
    status_of: Callable[[str], int] = status_of
    patience_seconds: float = 300
    infra: Path = INFRA
    build: Path = BUILD
    python: str = sys.executable  # what the package is made and deployed with, and so what it runs on
    _secrets: dict[str, str] = field(default_factory=dict, repr=False)

    # --- The three ways ---

    def up(self) -> list[Step]:
        return [
            self.who_and_where,
            Step("state bucket", self.make_state_bucket, "The account must allow you to make an S3 bucket."),
            Step("secrets", self.fetch_secrets, "The account must allow you to write an SSM parameter."),
            Step(
                "terraform init", self.terraform_init, "Install Terraform 1.11 or newer; see docs/deploy.md."
            ),
            Step(
                "infrastructure",
                self.terraform_apply,
                "Read Terraform's last message; settings stand in infra/terraform.tfvars.",
            ),
            Step(
                "settings", self.write_settings, "Run `terraform output` in infra/ and see what is missing."
            ),
            Step(
                "quota",
                self.check_quota,
                "Ask AWS for more (Service Quotas, Lambda, concurrent executions: 1000), or set "
                "worker_concurrency = null in infra/terraform.tfvars.",
            ),
            *self.deploy_code,
            Step("join", self.terraform_join, "Read Terraform's last message."),
            *self.look_whether_it_works,
        ]

    def code(self) -> list[Step]:
        """The code alone, which the deployer's role may: nothing of this asks Terraform."""
        return [
            self.who_and_where,
            Step(
                "settings",
                self.fetch_settings,
                "Somebody who may administer the account runs `make deploy` first.",
            ),
            *self.deploy_code,
            *self.look_whether_it_works,
        ]

    @property
    def who_and_where(self) -> Step:
        return Step(
            "credentials",
            self.greet,
            "Log in with `aws configure sso` or `aws login`, or set AWS_PROFILE.",
        )

    @property
    def deploy_code(self) -> list[Step]:
        return [
            Step("package", self.make_package, "Run `make package` alone and read its message."),
            Step(
                "static files",
                self.publish_static_files,
                "You must be allowed to write to the static bucket.",
            ),
            Step("worker", self.deploy_worker, "Read Zappa's message; logs: `zappa tail production_worker`."),
            Step(
                "database",
                self.migrate,
                "A paused database takes 15 seconds to wake; run it again. Logs: `zappa tail production_worker`.",
            ),
            Step("pages", self.deploy_pages, "Read Zappa's message; logs: `zappa tail production`."),
        ]

    @property
    def look_whether_it_works(self) -> list[Step]:
        return [
            Step("doctor", self.consult_doctor, "Each line that is not `ok` says what is wrong."),
            Step(
                "answer",
                self.wait_for_site,
                "CloudFront takes some minutes to spread; then see the runbook in docs/deploy.md.",
            ),
        ]

    def down(self) -> list[Step]:
        return [
            self.who_and_where,
            Step("consent", self.ask_consent, "Nothing was touched."),
            Step(
                "state bucket", self.make_state_bucket, "The account must allow you to read its S3 buckets."
            ),
            Step("secrets", self.fetch_secrets, "The account must allow you to read an SSM parameter."),
            Step(
                "terraform init", self.terraform_init, "Install Terraform 1.11 or newer; see docs/deploy.md."
            ),
            Step(
                "functions",
                self.undeploy_functions,
                "Read Zappa's message; the functions must go before their buckets.",
            ),
            Step("unguard", self.allow_data_loss, "Read Terraform's last message."),
            Step(
                "infrastructure",
                self.terraform_destroy,
                "Network interfaces of functions may stay for 40 minutes; run it again later.",
            ),
            Step("leftovers", self.delete_leftovers, "What is left: the state bucket and one SSM parameter."),
        ]

    # --- Before Terraform ---

    @cached_property
    def account(self) -> str:
        return str(self.aws("sts").get_caller_identity()["Account"])

    def aws(self, service: str) -> Any:
        return boto3.client(service, region_name=self.region)  # type: ignore[call-overload]

    def greet(self) -> None:
        print(f"{self.project} in account {self.account}, region {self.region}")

    def ask_consent(self) -> None:
        """Raise DeployError unless the person types the project's name."""
        if not self.ask:
            return
        print(
            "This deletes the site, its people, all images, the database and its backups. It cannot be undone."
        )
        if input(f"Type {self.project} to go on: ").strip() != self.project:
            raise DeployError("not confirmed")

    @property
    def state_bucket(self) -> str:
        return f"{self.project}-state-{self.account}"

    def make_state_bucket(self) -> None:
        s3 = self.aws("s3")
        where = (
            {}
            if self.region == "us-east-1"
            else {"CreateBucketConfiguration": {"LocationConstraint": self.region}}
        )
        try:
            s3.create_bucket(Bucket=self.state_bucket, **where)
        except (s3.exceptions.BucketAlreadyOwnedByYou, s3.exceptions.BucketAlreadyExists):
            s3.head_bucket(Bucket=self.state_bucket, ExpectedBucketOwner=self.account)
        s3.put_public_access_block(
            Bucket=self.state_bucket,
            PublicAccessBlockConfiguration={
                "BlockPublicAcls": True,
                "BlockPublicPolicy": True,
                "IgnorePublicAcls": True,
                "RestrictPublicBuckets": True,
            },
        )
        s3.put_bucket_versioning(Bucket=self.state_bucket, VersioningConfiguration={"Status": "Enabled"})

    @property
    def secrets_name(self) -> str:
        return f"/{self.project}/deploy"

    def fetch_secrets(self) -> None:
        """Read the secrets from their one SSM parameter, made at the first time, and hand them to Terraform."""
        ssm = self.aws("ssm")
        try:
            kept = ssm.get_parameter(Name=self.secrets_name, WithDecryption=True)["Parameter"]
            values, version = json.loads(kept["Value"]), kept["Version"]
        except ssm.exceptions.ParameterNotFound:
            values, version = new_secrets(), 0
        database_url = os.environ.get("DATABASE_URL", values.get("database_url"))
        if version == 0 or database_url != values.get("database_url"):
            values["database_url"] = database_url
            text = json.dumps(values)
            version = ssm.put_parameter(
                Name=self.secrets_name, Value=text, Type="SecureString", Overwrite=True
            )["Version"]
        public_key = values.pop("cloudfront_public_key")
        self._secrets = {
            "TF_VAR_secrets": json.dumps(values),
            "TF_VAR_secrets_version": str(version),
            "TF_VAR_origin_secret": values["origin_secrets"].split(",")[0],
            "TF_VAR_cloudfront_public_key": public_key,
        }

    # --- Terraform ---

    def terraform(self, *arguments: str, capture: bool = False) -> str:
        return self.run(["terraform", *arguments], self.infra, self._secrets, capture)

    @property
    def variables(self) -> list[str]:
        return ["-var", f"project={self.project}", "-var", f"region={self.region}"]

    @property
    def approve(self) -> list[str]:
        return [] if self.ask else ["-auto-approve"]

    def terraform_init(self) -> None:
        backend = {
            "bucket": self.state_bucket,
            "key": "terraform.tfstate",
            "region": self.region,
            "use_lockfile": "true",
            "encrypt": "true",
        }
        self.terraform(
            "init", "-reconfigure", *(f"-backend-config={name}={value}" for name, value in backend.items())
        )

    def terraform_apply(self) -> None:
        self.terraform("apply", *self.variables, *self.approve)

    def terraform_join(self) -> None:
        """Let Terraform find what Zappa made; all else it has looked at minutes ago."""
        self.terraform("apply", "-refresh=false", *self.variables, *self.approve)

    def allow_data_loss(self) -> None:
        """Tell what guards its data, and exists, that it may go."""
        present = self.terraform("state", "list", capture=True).split()
        targets = [f"-target={address}" for address in present if address.startswith(GUARDED)]
        if targets:
            self.terraform(
                "apply", *self.variables, "-var", "allow_data_loss=true", *targets, "-auto-approve"
            )

    def terraform_destroy(self) -> None:
        self.terraform("destroy", *self.variables, "-var", "allow_data_loss=true", "-auto-approve")

    # --- Zappa ---

    @property
    def settings_file(self) -> Path:
        return self.build / "zappa_settings.json"

    def write_settings(self) -> None:
        self.build.mkdir(exist_ok=True)
        self.settings_file.write_text(self.terraform("output", "-raw", "zappa_settings", capture=True))

    def fetch_settings(self) -> None:
        """Take the settings from the deployment bucket, where Terraform keeps them for those who may not read its state."""
        self.build.mkdir(exist_ok=True)
        bucket = f"{self.project}-deployment-{self.account}"
        found = self.aws("s3").get_object(Bucket=bucket, Key="zappa_settings.json")
        self.settings_file.write_bytes(found["Body"].read())

    @cached_property
    def settings(self) -> dict[str, Any]:
        return dict(json.loads(self.settings_file.read_text()))

    def function_name(self, stage: str) -> str:
        return f"{self.project}-{stage.replace('_', '-')}"

    def check_quota(self) -> None:
        """Raise DeployError when the account cannot reserve the concurrency asked for."""
        wanted = sum(
            self.settings[stage]["lambda_concurrency"] or 0 for stage in ("production", "production_worker")
        )
        if wanted == 0:
            return
        limit = self.aws("lambda").get_account_settings()["AccountLimit"]["ConcurrentExecutions"]
        if limit - wanted < UNRESERVED:
            raise DeployError(
                f"{wanted} executions are to be reserved, and the account has {limit}, of which {UNRESERVED} must stay free"
            )

    def make_package(self) -> None:
        """Leave a clean copy of the code in build/site and what it needs at run time in build/venv."""
        self.run(["make", "package"], ROOT, {}, False)

    def zappa(self, *arguments: str, folder: str = "site") -> None:
        """Run Zappa from the Python's environment; what it packs is the folder it runs in and build/venv."""
        env = {"VIRTUAL_ENV": str(self.build / "venv"), "AWS_DEFAULT_REGION": self.region}
        program = str(Path(self.python).with_name("zappa"))
        self.run(
            [program, *arguments, "--settings_file", str(self.settings_file)], self.build / folder, env, False
        )

    def manage(self, *arguments: str) -> None:
        """Run a command of the site here, with the web function's settings and this person's rights."""
        env = {
            **self.settings["production"]["aws_environment_variables"],
            "AWS_REGION": self.region,
            "AWS_DEFAULT_REGION": self.region,
        }
        del env["SECRETS_PATH"]
        # The secrets stay where they are: nothing that is run here needs the database or signs anything.
        env |= {
            "CLOUDFRONT_KEY_ID": "",
            "DATABASE_URL": "sqlite://:memory:",
            "SECRET_KEY": secrets.token_urlsafe(50),
        }
        self.run([self.python, "manage.py", *arguments], self.build / "site", env, False)

    def has_function(self, stage: str) -> bool:
        client = self.aws("lambda")
        try:
            client.get_function(FunctionName=self.function_name(stage))
        except client.exceptions.ResourceNotFoundException:
            return False
        return True

    def has_api(self) -> bool:
        pages = self.aws("apigateway").get_paginator("get_rest_apis").paginate()
        return any(api["name"] == self.function_name("production") for page in pages for api in page["items"])

    def deploy_worker(self) -> None:
        self.zappa("update" if self.has_function("production_worker") else "deploy", "production_worker")

    def deploy_pages(self) -> None:
        """Deploy or update the web function; a deploy that broke before it had its API is undone first."""
        deployed = self.has_function("production")
        if deployed and not self.has_api():
            self.zappa("undeploy", "production", "--yes")
            deployed = False
        self.zappa("update" if deployed else "deploy", "production")

    def undeploy_functions(self) -> None:
        """Let Zappa take away its functions, with their events and API; the settings come from Terraform's state."""
        stages = [stage for stage in ("production", "production_worker") if self.has_function(stage)]
        if not stages:
            return
        self.write_settings()
        for stage in stages:
            self.zappa("undeploy", stage, "--yes", folder=".")

    def migrate(self) -> None:
        self.zappa("manage", "production_worker", "migrate --no-input")

    def publish_static_files(self) -> None:
        """Send the static files, and leave the list of their names where the package is made."""
        self.manage("collectstatic", "--no-input")

    # --- After ---

    def consult_doctor(self) -> None:
        self.manage("doctor")

    def wait_for_site(self) -> None:
        """Raise DeployError unless the site answers within some minutes."""
        site = f"https://{self.settings['production']['aws_environment_variables']['SITE_DOMAIN']}"
        end = time.monotonic() + self.patience_seconds
        while (status := self.status_of(f"{site}/healthz")) != 200:
            if time.monotonic() > end:
                raise DeployError(f"{site}/healthz answers {status or 'nothing'}")
            time.sleep(5)
        print(f"The site answers at {site}")

    def delete_leftovers(self) -> None:
        ssm = self.aws("ssm")
        ssm.delete_parameters(Names=[self.secrets_name])
        s3 = self.aws("s3")
        for page in s3.get_paginator("list_object_versions").paginate(Bucket=self.state_bucket):
            versions = [*page.get("Versions", []), *page.get("DeleteMarkers", [])]
            if versions:
                keys = [{"Key": version["Key"], "VersionId": version["VersionId"]} for version in versions]
                s3.delete_objects(Bucket=self.state_bucket, Delete={"Objects": keys, "Quiet": True})
        s3.delete_bucket(Bucket=self.state_bucket)


def new_secrets() -> dict[str, Any]:
    """Make all that has to be random: two secret keys, the origin secret, a password and the key that signs links."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    public = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return {
        "web_secret_key": secrets.token_urlsafe(50),
        "worker_secret_key": secrets.token_urlsafe(50),
        "origin_secrets": secrets.token_urlsafe(32),
        "database_password": secrets.token_hex(24),
        "cloudfront_private_key": private.decode(),
        "cloudfront_public_key": public.decode(),
    }


def walk(steps: Sequence[Step]) -> int:
    """Take the steps in order; return 0, or 1 at the first that fails, having said what to do."""
    for number, step in enumerate(steps, 1):
        print(f"[{number}/{len(steps)}] {step.name}", flush=True)
        try:
            step.act()
        except (DeployError, ClientError, BotoCoreError) as error:
            print(f"\nStopped at step {number}, {step.name}: {error}", file=sys.stderr)
            print(f"What to do: {step.advice}", file=sys.stderr)
            print("Then run the same command again; what is done is not done twice.", file=sys.stderr)
            return 1
    return 0


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("way", choices=["up", "code", "down"])
    parser.add_argument("--yes", action="store_true", help="ask nothing: for pipelines")
    chosen = parser.parse_args(arguments)
    deployment = Deployment(
        project=os.environ.get("PROJECT", "imagesite"),
        region=os.environ.get("AWS_REGION", "eu-west-1"),
        ask=not chosen.yes,
    )
    ways = {"up": deployment.up, "code": deployment.code, "down": deployment.down}
    return walk(ways[chosen.way]())


if __name__ == "__main__":
    sys.exit(main())
