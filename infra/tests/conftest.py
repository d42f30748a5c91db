from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from infra.tests.terraform import INFRA, Terraform, environment


@pytest.fixture(scope="session", autouse=True)
def terraform_is_there() -> None:
    assert shutil.which("terraform"), (
        "Terraform is not installed, and these tests are about nothing else. "
        "Get 1.11 or newer from developer.hashicorp.com/terraform/install."
    )


@pytest.fixture
def module(tmp_path: Path) -> Terraform:
    """The module as it stands, with Terraform's own files kept elsewhere."""
    terraform = Terraform(INFRA, {**environment(tmp_path), "TF_DATA_DIR": str(tmp_path / "data")})
    terraform("init", "-backend=false", "-lockfile=readonly")
    return terraform
