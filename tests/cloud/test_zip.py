"""The contents of the zip, and Zappa's settings."""

from __future__ import annotations

import ast
import json
from pathlib import Path
from typing import Any

import pytest

from infra import package
from tests.cloud.conftest import SETTINGS
from tests.cloud.gateway import read, through_cloudfront
from tests.cloud.lambdas import Function

pytestmark = pytest.mark.system

STAGES = ("production", "production_worker")


def settings_of(stage: str) -> dict[str, Any]:
    """Return the stage's settings as Zappa resolves them: its values replace inherited ones completely."""
    settings: dict[str, Any] = json.loads(SETTINGS.read_text())
    return {**settings["base"], **settings[stage]}


@pytest.mark.slow
def test_byte_code_is_not_checked_against_its_source(build: Path) -> None:
    """Zappa dates all files 1980, so bytecode checked against its source's time would be discarded."""
    code = (build / "task" / "converter").rglob("*.py")
    sources = [
        path for path in code if path.parent.name != "__pycache__"
    ]  # Zappa turns those into packages, too
    assert len(sources) > 50
    for source in sources:
        (compiled,) = source.parent.glob(f"__pycache__/{source.stem}.cpython-*.pyc")
        header = compiled.read_bytes()[:8]
        assert int.from_bytes(header[4:], "little") == 0b01, source  # unchecked hash-based (PEP 552)


@pytest.mark.slow
def test_lambda_accepts_the_zip_and_it_contains_no_secret(build: Path) -> None:
    (packages,) = (build / "venv" / "lib").glob("python*/site-packages")
    package.check(build / "imagesite.zip", packages)
    told = ast.parse((build / "task" / "zappa_settings.py").read_text())
    values = {
        node.targets[0].id: ast.literal_eval(node.value)
        for node in told.body
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)
    }
    assert values["DEBUG"] is False
    assert values["LOG_LEVEL"] == "INFO"
    assert values["ENVIRONMENT_VARIABLES"] == {"AWS_REGION": "eu-west-1"}


@pytest.mark.slow
def test_a_function_starts_without_a_database_and_says_so(
    build: Path, web_environment: dict[str, str]
) -> None:
    """A paused database takes longer to resume than Lambda allows for a start."""
    nothing = {"DATABASE_URL": "postgres://u:p@127.0.0.1:9/site", "AWS_ENDPOINT_URL": "http://127.0.0.1:9"}
    function = Function(build / "task", {**web_environment, **nothing})
    function.wait()
    try:
        page, _, _ = function.invoke(through_cloudfront("GET", "/formats/", host="images.example.com"))
        health, _, _ = function.invoke(through_cloudfront("GET", "/healthz", host="images.example.com"))
    finally:
        function.close()
    assert read(page)[0] == 200
    status, _, content = read(health)
    assert status == 503
    assert json.loads(content) == {"status": "unavailable", "database": "failed", "storage": "failed"}


# --- Zappa's settings ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("stage", STAGES)
def test_zappa_manages_no_roles(stage: str) -> None:
    """By default it shows tracebacks, logs whole events, grants roles all permissions and creates domains."""
    told = settings_of(stage)
    assert told["debug"] is False
    assert told["log_level"] == "INFO"
    assert told["manage_roles"] is False
    assert told["role_arn"].startswith("arn:aws:iam::")
    assert (
        told["keep_warm"]
        is told["touch"]
        is told["slim_handler"]
        is told["use_precompiled_packages"]
        is False
    )
    assert (
        not {"domain", "certificate_arn", "environment_variables", "remote_env", "dead_letter_arn"}
        & told.keys()
    )
    assert not {"extra_permissions", "exception_handler", "exclude", "function_url_enabled"} & told.keys()


@pytest.mark.parametrize("stage", STAGES)
def test_every_stage_has_its_variables_in_full(stage: str) -> None:
    """A stage's variables replace those of the stage it extends."""
    variables = settings_of(stage)["aws_environment_variables"]
    assert "aws_environment_variables" not in json.loads(SETTINGS.read_text())["base"]
    assert variables["INSTANTIATE_LAMBDA_HANDLER_ON_IMPORT"] == "1"  # load Django during init
    named = {
        "UPLOADS_BUCKET",
        "RESULTS_BUCKET",
        "STATIC_BUCKET",
        "METADATA_TABLE",
        "CONFIGURATION_TABLE",
        "WORKER_FUNCTION",
    }
    assert named | {"SECRETS_PATH", "SITE_DOMAIN", "COGNITO_USER_POOL_ID"} <= variables.keys()
    assert not variables.keys() & {"SECRET_KEY", "DATABASE_URL", "ORIGIN_SECRETS", "CLOUDFRONT_PRIVATE_KEY"}


def test_one_event_a_bucket_limited_by_prefix() -> None:
    """Zappa keeps one event per bucket and function, drops those without `events`, ignores `key_filters`."""
    (from_s3,) = [event for event in settings_of("production_worker")["events"] if "event_source" in event]
    source = from_s3["event_source"]
    bucket = settings_of("production_worker")["aws_environment_variables"]["UPLOADS_BUCKET"]
    assert source == {"arn": f"arn:aws:s3:::{bucket}", "events": ["s3:ObjectCreated:*"], "prefix": "uploads/"}
    assert "." not in bucket  # it becomes part of a statement id
    assert "key_filters" not in from_s3
    assert "events" not in settings_of("production")


def test_the_worker_has_no_address() -> None:
    assert settings_of("production_worker")["apigateway_enabled"] is False
    assert settings_of("production")["apigateway_version"] == "v1"
