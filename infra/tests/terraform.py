"""Run Terraform on the module without reaching a real account."""

from __future__ import annotations

import json
import os
import platform
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

INFRA = Path(__file__).resolve().parent.parent
LOCK = (INFRA / ".terraform.lock.hcl").read_text()
PROVIDER = re.findall(r'^provider "(.+)"', LOCK, re.MULTILINE)[0]
VERSION = re.findall(r'version += "(.+)"', LOCK)[0]

MIRROR_RC = """
provider_installation {{
  filesystem_mirror {{
    path    = "{mirror}"
    include = ["{provider}"]
  }}
  direct {{
    exclude = ["{provider}"]
  }}
}}
"""

# Three attempts are too few while the mock starts slowly; the provider's default of 25 would take minutes to
# report an error. The pool's tier is the only value that moto does not store.
FOR_THE_MOCK = """
provider "aws" {
  max_retries = 8
}

provider "aws" {
  alias       = "us_east_1"
  max_retries = 8
}

resource "aws_cognito_user_pool" "people" {
  lifecycle {
    ignore_changes = [user_pool_tier]
  }
}
"""


def mirror() -> Path | None:
    """Return a folder on this machine with the locked AWS provider: $TF_MIRROR or a usual place."""
    machine = {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
    named = os.environ.get("TF_MIRROR")
    places = [
        *([Path(named)] if named else []),
        Path.home() / ".terraform.d" / "plugins",
        Path("/usr/local/share/terraform/plugins"),
        Path("/usr/share/terraform/plugins"),
        *Path("/opt").glob("*"),
    ]
    for place in places:
        if (place / PROVIDER / VERSION / f"{platform.system().lower()}_{machine}").is_dir():
            return place
    return None


def environment(scratch: Path) -> dict[str, str]:
    """Return an environment in which Terraform finds the mirror, if there is one, and no real credentials."""
    env = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "TF_"))}
    env |= {
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_REGION": "eu-west-1",
        "AWS_DEFAULT_REGION": "eu-west-1",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "CHECKPOINT_DISABLE": "1",
        "TF_CLI_ARGS_apply": "-parallelism=40",  # most of an apply is waiting
        "TF_CLI_ARGS_destroy": "-parallelism=40",
        "TF_IN_AUTOMATION": "1",
        "TF_INPUT": "0",
    }
    found = mirror()
    if found:
        rc = scratch / "terraform.rc"
        rc.write_text(MIRROR_RC.format(mirror=found, provider=PROVIDER))
        env["TF_CLI_CONFIG_FILE"] = str(rc)
    return env


@dataclass(frozen=True)
class Terraform:
    """Terraform in one working copy of the module."""

    folder: Path
    env: dict[str, str]

    def __call__(
        self, *arguments: str, expect: tuple[int, ...] = (0,), seconds: int = 3600, stdin: str = ""
    ) -> str:
        """Run one command and return its output; fail with it on an unexpected exit status."""
        program = shutil.which("terraform")
        if program is None:
            raise FileNotFoundError("terraform is not installed: developer.hashicorp.com/terraform/install")
        done = subprocess.run(
            [program, *arguments],
            cwd=self.folder,
            env=self.env,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )
        text = done.stdout + done.stderr
        assert done.returncode in expect, (
            f"terraform {' '.join(arguments)} ended with {done.returncode}:\n{text[-6000:]}"
        )
        return text

    def changes(self, *arguments: str) -> list[str]:
        """Return the planned changes as `action address`."""
        text = self("plan", "-no-color", "-detailed-exitcode", "-out=plan.out", *arguments, expect=(0, 2))
        if "\nNo changes." in text:
            return []
        plan: dict[str, Any] = json.loads(self("show", "-json", "plan.out"))
        return [
            f"{'+'.join(change['change']['actions'])} {change['address']}"
            for change in plan.get("resource_changes", [])
            if change["change"]["actions"] not in (["no-op"], ["read"])
        ]


def copy_of_module(target: Path) -> Path:
    """Copy the module without state and providers, so that tests can add files."""
    shutil.copytree(INFRA, target, ignore=shutil.ignore_patterns(".terraform", "*.tfstate*", "__pycache__"))
    shutil.copy(INFRA.parent / "zappa_settings.json", target.parent)
    return target
