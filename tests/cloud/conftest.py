from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from infra import package
from tests.cloud.gateway import ORIGIN_SECRET
from tests.cloud.interpreter import make_package
from tests.cloud.lambdas import Function, unpack
from tests.conftest import Once

SETTINGS = package.ROOT / "zappa_settings.json"


@pytest.fixture(scope="session")
def build(once: Once) -> Path:
    """Return the result of `make package`, with the zip unpacked in `task`."""

    def make(folder: Path) -> None:
        make_package(folder)
        unpack(folder / "imagesite.zip", folder / "task")

    return once("package", make)


@pytest.fixture(scope="session")
def web_environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Return the settings of the web function, including the secrets that SSM would provide."""
    stage: dict[str, Any] = json.loads(SETTINGS.read_text())["production"]
    environment: dict[str, str] = dict(stage["aws_environment_variables"])
    del environment["SECRETS_PATH"]
    return {
        **environment,
        "AWS_REGION": "eu-west-1",
        "AWS_DEFAULT_REGION": "eu-west-1",
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "COGNITO_JWKS": '{"keys": []}',
        "DATABASE_URL": f"sqlite:///{tmp_path_factory.mktemp('database') / 'db.sqlite3'}",
        "ORIGIN_SECRETS": f"{ORIGIN_SECRET},the one before",
        "SECRET_KEY": "k" * 60,
    }


@pytest.fixture(scope="module")
def web(build: Path, web_environment: dict[str, str]) -> Iterator[Function]:
    """Yield the web function from the zip, with a migrated database."""
    function = Function(build / "task", web_environment)
    function.wait()
    answer, failed, log = function.invoke({"manage": "migrate --no-input"})
    assert not failed, answer + log
    yield function
    function.close()
