from __future__ import annotations

import shutil
import tempfile
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.tests.mock_aws import MockAws, mock_aws
from infra.tests.terraform import INFRA, Terraform, environment


def pytest_configure() -> None:
    """Report once what is missing: nothing here can run without it, and nothing is skipped."""
    for program, advice in {
        "terraform": "Terraform is not installed. Get 1.11 or newer: developer.hashicorp.com/terraform/install",
        "node": "Node.js is not installed; CloudFront's function is run in it. Get 20 or newer: nodejs.org",
    }.items():
        if shutil.which(program) is None:
            raise pytest.UsageError(advice)


@pytest.fixture(scope="session")
def module(tmp_path_factory: pytest.TempPathFactory) -> Terraform:
    """Return the module as it is, with Terraform's own files kept elsewhere."""
    folder = tmp_path_factory.mktemp("terraform")
    terraform = Terraform(INFRA, {**environment(folder), "TF_DATA_DIR": str(folder / "data")})
    terraform("init", "-backend=false", "-lockfile=readonly")
    return terraform


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[MockAws]:
    """Yield a mock AWS that boto3 and Terraform use."""
    # Large and useless afterwards, unlike what pytest keeps of recent runs.
    with tempfile.TemporaryDirectory() as functions, mock_aws(Path(functions)) as aws:
        for name, value in {**environment(tmp_path), "AWS_ENDPOINT_URL": aws.url}.items():
            if name.startswith(("AWS_", "TF_", "CHECKPOINT_")):
                monkeypatch.setenv(name, value)
        yield aws
        urllib.request.urlopen(f"{aws.url}/moto-api/reset", b"").close()
