"""One site in one account and region: the operations that deploy.py's steps call."""

from __future__ import annotations

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
from botocore.config import Config

from infra import keys, state
from infra.errors import DeployError
from infra.preflight import Preflight, settings_of
from infra.rollback import STAGES, Rollback
from infra.secret_store import SecretStore

ROOT = Path(__file__).resolve().parent.parent
INFRA, BUILD = ROOT / "infra", ROOT / "build"

# boto3's default mode, `legacy`, does not retry after Cognito's TooManyRequestsException.
PATIENT = Config(retries={"mode": "standard", "total_max_attempts": 10})

# The root certificates of Aurora, which systems do not include. Both functions verify the cluster with them.
RDS_CA = "https://truststore.pki.rds.amazonaws.com/global/global-bundle.pem"

RDS = "rds.amazonaws.com"

# Resources with deletion protection, because they hold data.
GUARDED = ("aws_s3_bucket.", "aws_dynamodb_table.", "aws_cognito_user_pool.", "aws_rds_cluster.")

Run = Callable[[Sequence[str], Path, Mapping[str, str], bool], str]


def run(command: Sequence[str], folder: Path, env: Mapping[str, str], capture: bool) -> str:
    """Run a program with its output on the terminal, or return its output.

    Raises DeployError if it is missing or fails.
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
        raise DeployError(f"{command[0]} cannot be run: {error}") from error
    except subprocess.CalledProcessError as error:
        raise DeployError(
            f"`{' '.join(command[:3])} …` failed with exit status {error.returncode}"
        ) from error
    return done.stdout or ""


def fetch(url: str) -> bytes:
    """Return a file from the internet. Raises DeployError."""
    try:
        with urllib.request.urlopen(url, timeout=60) as answer:
            return bytes(answer.read())
    except OSError as error:
        raise DeployError(f"{url} cannot be fetched: {error}") from error


def status_of(url: str) -> int:
    """Return the HTTP status of a page, or 0 if there is no response."""
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
    fetch: Callable[[str], bytes] = fetch
    patience_seconds: float = 300
    infra: Path = INFRA
    builds: Path = BUILD
    python: str = sys.executable  # builds and deploys the package, so it must match the Lambda runtime
    _secrets: dict[str, str] = field(default_factory=dict, repr=False)

    # --- Before Terraform ---

    @cached_property
    def account(self) -> str:
        return str(self.aws("sts").get_caller_identity()["Account"])

    def aws(self, service: str) -> Any:
        return boto3.client(service, region_name=self.region, config=PATIENT)  # type: ignore[call-overload]

    @property
    def module_settings(self) -> dict[str, str]:
        return settings_of(self.infra / "terraform.tfvars", self.tfvars)

    def preflight(self) -> None:
        Preflight(self.project, self.region, self.module_settings, self.aws, self.python).run()

    def greet(self) -> None:
        print(f"{self.project} in account {self.account}, region {self.region}")

    def ask_consent(self) -> None:
        """Raise DeployError unless the person types the project's name."""
        if not self.ask:
            return
        print(
            "This deletes the site, its users, all images, the database and its backups. It cannot be undone."
        )
        if input(f"Type {self.project} to continue: ").strip() != self.project:
            raise DeployError("not confirmed")

    @property
    def state_bucket(self) -> str:
        return f"{self.project}-state-{self.account}"

    def make_state_bucket(self) -> None:
        state.make(self.aws("s3"), self.state_bucket, self.region, self.account)

    @property
    def secrets_name(self) -> str:
        return f"/{self.project}/deploy"

    @property
    def secret_store(self) -> SecretStore:
        return SecretStore(self.aws("ssm"), self.secrets_name)

    def fetch_secrets(self) -> None:
        """Read the secrets, creating them the first time, and pass them to Terraform."""
        values, version = self.secret_store.read()
        database_url = os.environ.get("DATABASE_URL", values["database_url"])
        if version == 0 or database_url != values["database_url"]:
            values["database_url"] = database_url
            version = self.secret_store.write(values)
        self._secrets = keys.variables(values, version)

    def rotate_keys(self) -> None:
        print(self.secret_store.rotate())

    def note_secrets(self) -> None:
        """Record that the secrets given to Terraform are deployed."""
        self.secret_store.note_deployed(int(self._secrets["TF_VAR_secrets_version"]))

    def make_database_role(self) -> None:
        """Create RDS's own role. With an account's first database, RDS does that itself, but too late for its cluster."""
        if self.module_settings.get("database_mode", "aurora") != "aurora":
            return
        iam = self.aws("iam")
        pages = iam.get_paginator("list_roles").paginate(PathPrefix=f"/aws-service-role/{RDS}/")
        if not any(page["Roles"] for page in pages):
            iam.create_service_linked_role(AWSServiceName=RDS)

    # --- Terraform ---

    def terraform(self, *arguments: str, capture: bool = False) -> str:
        env = {**self._secrets, "TF_DATA_DIR": str(self.build / "terraform")}
        return self.run(["terraform", *arguments], self.infra, env, capture)

    @property
    def tfvars(self) -> Path:
        return self.infra / f"{self.project}.tfvars"

    @property
    def variables(self) -> list[str]:
        own = [f"-var-file={self.tfvars}"] if self.tfvars.exists() else []
        return [*own, "-var", f"project={self.project}", "-var", f"region={self.region}"]

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
        self.undo_half_deploy()
        self.terraform("apply", *self.variables, *self.approve)

    def terraform_join(self) -> None:
        """Apply Terraform again with the resources that Zappa made. The rest was refreshed minutes ago."""
        self.terraform("apply", "-refresh=false", *self.variables, *self.approve)

    def allow_data_loss(self) -> None:
        """Turn off deletion protection of existing resources that hold data."""
        present = self.terraform("state", "list", capture=True).split()
        targets = [f"-target={address}" for address in present if address.startswith(GUARDED)]
        if targets:
            self.terraform(
                "apply", *self.variables, "-var", "allow_data_loss=true", *targets, "-auto-approve"
            )

    def take_keys_off(self) -> None:
        """Remove the usage plans; AWS does not delete an API while one refers to it."""
        present = self.terraform("state", "list", capture=True).split()
        targets = [
            f"-target={address}" for address in present if address.startswith("aws_api_gateway_usage_plan")
        ]
        if targets:
            self.terraform("destroy", *self.variables, *targets, "-auto-approve")

    def terraform_destroy(self) -> None:
        self.terraform("destroy", *self.variables, "-var", "allow_data_loss=true", "-auto-approve")

    # --- Zappa ---

    @property
    def build(self) -> Path:
        return self.builds / self.project

    @property
    def settings_file(self) -> Path:
        return self.build / "zappa_settings.json"

    def write_settings(self) -> None:
        self.keep_settings(self.terraform("output", "-raw", "zappa_settings", capture=True))

    def fetch_settings(self) -> None:
        """Read the settings from the deployment bucket, where Terraform puts them for roles that cannot read its state.

        Zappa runs code that settings name, and anybody can create the bucket of a site that does not exist.
        """
        where = {"Bucket": f"{self.project}-deployment-{self.account}", "ExpectedBucketOwner": self.account}
        found = self.aws("s3").get_object(**where, Key="zappa_settings.json")
        self.keep_settings(found["Body"].read().decode())

    def keep_settings(self, text: str) -> None:
        """Write Zappa's settings, adding the user pool's public keys, which functions in a private network may be unable to fetch."""
        settings = json.loads(text)
        variables = settings["production"]["aws_environment_variables"]
        pool = variables["COGNITO_USER_POOL_ID"]
        keys_of_pool = self.fetch(
            f"https://cognito-idp.{self.region}.amazonaws.com/{pool}/.well-known/jwks.json"
        )
        variables["COGNITO_JWKS"] = json.dumps(json.loads(keys_of_pool))
        self.build.mkdir(parents=True, exist_ok=True)
        self.settings_file.write_text(json.dumps(settings, indent=2))

    @cached_property
    def settings(self) -> dict[str, Any]:
        return dict(json.loads(self.settings_file.read_text()))

    def function_name(self, stage: str) -> str:
        return f"{self.project}-{stage.replace('_', '-')}"

    def make_package(self) -> None:
        """Put a clean copy of the code in the build folder's `site`, and its run-time dependencies in `venv`."""
        self.run([self.python, "-m", "infra.package", str(self.build)], ROOT, {}, False)
        if self.settings["base"]["vpc_config"]:
            (self.build / "site" / "rds-ca.pem").write_bytes(self.fetch(RDS_CA))

    def zappa(self, *arguments: str, folder: str = "site", env: Mapping[str, str] | None = None) -> None:
        """Run Zappa, which packages its working directory and `venv`."""
        env = {"VIRTUAL_ENV": str(self.build / "venv"), "AWS_DEFAULT_REGION": self.region, **(env or {})}
        program = str(Path(self.python).with_name("zappa"))
        self.run(
            [program, *arguments, "--settings_file", str(self.settings_file)], self.build / folder, env, False
        )

    def manage(self, *arguments: str) -> None:
        """Run a management command locally, with the web function's settings and the caller's permissions."""
        env = {
            **self.settings["production"]["aws_environment_variables"],
            "AWS_REGION": self.region,
            "AWS_DEFAULT_REGION": self.region,
        }
        del env["SECRETS_PATH"]
        # Leave out the secrets: no command that runs here needs the database or signs anything.
        env |= {
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

    @property
    def api(self) -> str | None:
        """The id of Zappa's API."""
        pages = self.aws("apigateway").get_paginator("get_rest_apis").paginate()
        name = self.function_name("production")
        return next((api["id"] for page in pages for api in page["items"] if api["name"] == name), None)

    @property
    def api_stages(self) -> list[dict[str, Any]]:
        api = self.api
        return list(self.aws("apigateway").get_stages(restApiId=api)["item"]) if api else []

    def undo_half_deploy(self) -> None:
        """Remove a web function that an interrupted deploy left without API or stage: Terraform would fail."""
        if not self.has_function("production") or self.api_stages:
            return
        if not self.settings_file.exists():
            self.fetch_settings()
        self.zappa("undeploy", "production", "--yes", folder=".")

    def deploy_worker(self) -> None:
        self.zappa("update" if self.has_function("production_worker") else "deploy", "production_worker")

    def deploy_pages(self) -> None:
        self.undo_half_deploy()
        self.zappa("update" if self.has_function("production") else "deploy", "production")
        self.trace_api()

    def trace_api(self) -> None:
        """Set tracing of the API Gateway stage as for the functions: Zappa's setting does not apply to it."""
        wanted = self.settings["base"].get("xray_tracing", False)
        change = {"op": "replace", "path": "/tracingEnabled", "value": str(wanted).lower()}
        for stage in self.api_stages:
            if stage.get("tracingEnabled", False) != wanted:
                self.aws("apigateway").update_stage(
                    restApiId=self.api, stageName=stage["stageName"], patchOperations=[change]
                )

    def roll_back(self) -> None:
        """Restore the previous code of both functions. The schema stays: releases only add to it."""
        names = {stage: self.function_name(stage) for stage in STAGES}
        Rollback(self.aws, self.fetch, self.settings["base"]["s3_bucket"]).run(names)

    def undeploy_functions(self) -> None:
        """Let Zappa remove its functions with their events and API; the settings come from Terraform's state."""
        stages = [stage for stage in STAGES if self.has_function(stage)]
        if not stages:
            return
        self.write_settings()
        for stage in stages:
            self.zappa("undeploy", stage, "--yes", folder=".")

    def migrate(self) -> None:
        self.zappa("manage", "production_worker", "migrate --no-input")

    def publish_static_files(self) -> None:
        """Upload the static files, and leave their manifest where the package is built."""
        self.manage("collectstatic", "--no-input")

    # --- After ---

    def consult_doctor(self) -> None:
        self.manage("doctor")

    @property
    def address(self) -> str:
        return f"https://{self.settings['production']['aws_environment_variables']['SITE_DOMAIN']}"

    def status_within(self, seconds: float) -> int:
        """Return 200 as soon as the site is healthy, or its last status after this time (0: no response)."""
        end = time.monotonic() + seconds
        while (status := self.status_of(f"{self.address}/healthz")) != 200 and time.monotonic() < end:
            time.sleep(5)
        return status

    def wait_for_site(self) -> None:
        """Raise DeployError unless the site becomes healthy within some minutes."""
        if (status := self.status_within(self.patience_seconds)) != 200:
            raise DeployError(f"{self.address}/healthz answers {status or 'nothing'}")
        print(f"The site answers at {self.address}")
        pool = self.settings["production"]["aws_environment_variables"]["COGNITO_USER_POOL_ID"]
        print(
            "To give a user access to the admin:\n  aws cognito-idp admin-add-user-to-group "
            f"--group-name staff --user-pool-id {pool} --region {self.region} --username you@example.com"
        )

    def delete_leftovers(self) -> None:
        self.secret_store.delete()
        state.delete(self.aws("s3"), self.state_bucket)
