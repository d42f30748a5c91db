"""The whole system on the mock AWS: Terraform's resources, then the real deployment with Zappa."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import boto3

from infra.deployment import Deployment
from infra.package import ROOT
from tests.cloud import cognito
from tests.cloud.gateway import API_KEY, ORIGIN_SECRET
from tests.cloud.iam import ACCOUNT, REGION
from tests.cloud.interpreter import lambda_python

BUCKETS = ("uploads", "results", "static", "deployment")
CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_DEFAULT_REGION": REGION,
    "AWS_REGION": REGION,
    "AWS_CONFIG_FILE": "/nonexistent",
    "AWS_SHARED_CREDENTIALS_FILE": "/nonexistent",
    "AWS_EC2_METADATA_DISABLED": "true",
    "HTTPS_PROXY": "http://127.0.0.1:9",  # nothing listens there: Zappa checks the internet for its newest version
}


class Programs:
    """Runs the programs of a deployment with the mock's address; keeps their output."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self.environment = environment
        self.said: list[str] = []

    def __call__(self, command: Sequence[str], folder: Path, env: Mapping[str, str], capture: bool) -> str:
        inherited = {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR") if name in os.environ}
        done = subprocess.run(
            command,
            cwd=folder,
            env={**inherited, **self.environment, **env},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.said.append(done.stdout)
        # Zappa reports some failures with exit status 0.
        if done.returncode or "Traceback" in done.stdout:
            raise RuntimeError(f"{' '.join(map(str, command))} ended with {done.returncode}:\n{done.stdout}")
        return done.stdout


class Stack:
    """Starts with an empty account; `close` cleans up."""

    def __init__(self, folder: Path, made: Path) -> None:
        """Work in `folder`; `made` is the result of `make package`."""
        self.folder = folder
        self._log = (folder / "aws.log").open("w")
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.cloud.aws"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            start_new_session=True,  # so that Ctrl-C reaches only its owner
            text=True,
        )
        assert self._process.stdout
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError((folder / "aws.log").read_text())
        addresses = json.loads(line)
        self.aws_url, self.site = addresses["aws"], addresses["site"]
        self.programs = Programs({**CREDENTIALS, "AWS_ENDPOINT_URL": self.aws_url})
        self.build = folder / "build" / "imagesite"
        self.build.mkdir(parents=True)
        shutil.copytree(made / "site", self.build / "site")
        (self.build / "venv").symlink_to(made / "venv")
        self.deployment = MockDeployment(
            project="imagesite",
            region=REGION,
            ask=False,
            run=self.programs,
            builds=folder / "build",
            python=lambda_python(),
        )
        self.deployment.endpoint = self.aws_url

    def aws(self, service: str) -> Any:
        return self.deployment.aws(service)

    def make_what_terraform_makes(self) -> None:
        s3 = self.aws("s3")
        for use in BUCKETS:
            s3.create_bucket(Bucket=bucket(use), CreateBucketConfiguration={"LocationConstraint": REGION})
        for table, key in (("imagesite-metadata", "upload"), ("imagesite-configuration", "name")):
            self.aws("dynamodb").create_table(
                TableName=table,
                BillingMode="PAY_PER_REQUEST",
                KeySchema=[{"AttributeName": key, "KeyType": "HASH"}],
                AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"}],
            )
        iam = self.aws("iam")
        for role, service in (("imagesite-web", "apigateway"), ("imagesite-worker", "events")):
            services = {"Service": ["lambda.amazonaws.com", f"{service}.amazonaws.com"]}
            trust = policy(Principal=services, Action="sts:AssumeRole")
            iam.create_role(RoleName=role, AssumeRolePolicyDocument=trust)
        function = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:imagesite-production"
        invoke = policy(Action="lambda:InvokeFunction", Resource=function)
        iam.put_role_policy(RoleName="imagesite-web", PolicyName="web", PolicyDocument=invoke)
        self.pool, self.client = cognito.make_pool(self.aws("cognito-idp"))
        self._keep_secrets()
        self.deployment.settings_file.write_text(json.dumps(self._settings()))

    def _keep_secrets(self) -> None:
        database = f"sqlite:///{self.folder / 'db.sqlite3'}"
        secrets = {
            "production/SECRET_KEY": "w" * 60,
            "production/DATABASE_URL": database,
            "production/ORIGIN_SECRETS": ORIGIN_SECRET,
            "production_worker/SECRET_KEY": "x" * 60,
            "production_worker/DATABASE_URL": database,
        }
        for name, value in secrets.items():
            self.aws("ssm").put_parameter(Name=f"/imagesite/{name}", Value=value, Type="SecureString")

    def _settings(self) -> dict[str, Any]:
        """Return the repository's own settings with the names of this account."""
        settings: dict[str, Any] = json.loads((ROOT / "zappa_settings.json").read_text())
        for stage in ("production", "production_worker"):
            settings[stage]["aws_environment_variables"] |= {
                "COGNITO_USER_POOL_ID": self.pool,
                "COGNITO_CLIENT_ID": self.client,
                "SITE_DOMAIN": "127.0.0.1",
                # Browsers use plain HTTP here, but Zappa reports HTTPS.
                "CSRF_TRUSTED_ORIGINS": self.site,
            }
        return settings

    def deploy(self) -> None:
        """Run the deployment steps that do not need Terraform."""
        self.deployment.publish_static_files()
        self.deployment.deploy_worker()
        self.deployment.migrate()
        self.deployment.deploy_pages()
        self._join()

    def _join(self) -> None:
        """Allow CloudFront's key, as Terraform does when it finds the API."""
        client = self.aws("apigateway")
        api = next(one["id"] for one in client.get_rest_apis()["items"])
        stages = [{"apiId": api, "stage": "production"}]
        plan = client.create_usage_plan(name="imagesite-edge", apiStages=stages)["id"]
        key = client.create_api_key(name="imagesite-edge", value=API_KEY, enabled=True)["id"]
        client.create_usage_plan_key(usagePlanId=plan, keyId=key, keyType="API_KEY")

    def add_person(self, email: str, password: str, *, staff: bool = False) -> None:
        identity = self.aws("cognito-idp")
        identity.admin_create_user(
            UserPoolId=self.pool,
            Username=email,
            UserAttributes=[{"Name": "email", "Value": email}, {"Name": "email_verified", "Value": "true"}],
        )
        identity.admin_set_user_password(
            UserPoolId=self.pool, Username=email, Password=password, Permanent=True
        )
        if staff:
            identity.admin_add_user_to_group(UserPoolId=self.pool, Username=email, GroupName="staff")

    def log_of(self, function: str) -> str:
        with urllib.request.urlopen(f"{self.aws_url}/_log/{function}") as answer:
            return str(answer.read().decode())

    def close(self) -> None:
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.close()
        self._process.wait(timeout=300)  # it removes many thousands of files
        self._process.stdout.close()
        self._log.close()


class MockDeployment(Deployment):
    endpoint = ""

    def write_settings(self) -> None:
        """Do nothing: they were written without Terraform."""

    def aws(self, service: str) -> Any:
        return boto3.client(  # type: ignore[call-overload]  # any service
            service,
            endpoint_url=self.endpoint,
            region_name=self.region,
            aws_access_key_id="testing",
            aws_secret_access_key="testing",
        )


def policy(**statement: Any) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **statement}]})


def bucket(use: str) -> str:
    return f"imagesite-{use}-{ACCOUNT}"
