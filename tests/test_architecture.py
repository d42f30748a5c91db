"""The architecture: what may import what, and which names are used from outside."""

from __future__ import annotations

import ast
import inspect
import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from django.core.management import call_command
from django.utils.module_loading import import_string

ROOT = Path(__file__).resolve().parent.parent


@pytest.mark.long
def test_imports_point_inwards() -> None:
    # In a separate process: it reconfigures logging and disables existing loggers.
    done = subprocess.run(
        [Path(sys.executable).with_name("lint-imports")], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout


def test_every_module_of_the_descriptions_is_kept_from_decoders() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    contracts = project["tool"]["importlinter"]["contracts"]
    kept = next(
        contract for contract in contracts if contract["name"].startswith("The engine's descriptions")
    )
    names = {path.stem for path in (ROOT / "converter" / "engine").glob("[!_]*.py")}
    assert set(kept["source_modules"]) == {f"converter.engine.{name}" for name in names}


@pytest.mark.parametrize("room", ["converter.engine", "converter.sandbox"])
def test_untrusted_files_are_decoded_without_django(room: str) -> None:
    code = f"import sys, {room}; sys.exit('django' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)


@pytest.mark.long
def test_only_the_sandbox_and_the_command_line_decode() -> None:
    """Pages, API and admin have access to the site's secrets, so they must not decode untrusted files."""
    allowed = {Path("converter/management/commands/convert.py")}
    decoders = {"open", "convert", "probe", "Source"}
    for room in ("converter", "imagesite"):
        for file in (ROOT / room).rglob("*.py"):
            path = file.relative_to(ROOT)
            if path in allowed or path.parts[1] in ("engine", "sandbox"):
                continue
            for node in ast.walk(ast.parse(file.read_text())):
                if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
                    assert (node.value.id, node.attr) not in {("raster", name) for name in decoders}, path
                if isinstance(node, ast.ImportFrom) and node.module:
                    names = {alias.name for alias in node.names}
                    assert node.module.split(".")[0] != "PIL", path
                    assert not (node.module.startswith("converter.engine") and names & decoders), path


@pytest.mark.long
def test_pages_start_without_a_decoder() -> None:
    # They never decode, and loading Pillow took a tenth of each cold start.
    code = "import sys, django; django.setup(); import imagesite.urls; sys.exit('PIL' in sys.modules)"
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings"}
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environment, check=True)


@pytest.mark.parametrize(
    "name",
    [
        "converter.events.s3.on_upload",
        "converter.events.clock.sweep",
        "converter.events.dispatched.convert",
        "converter.events.dispatched.preview",
        "converter.events.dispatched.zip_batch",
        "converter.events.dispatched.zip_share",
        "converter.events.dispatched.fetch",
        "converter.events.dispatched.deliver",
    ],
)
def test_functions_that_zappa_calls_take_exactly_event_and_context(name: str) -> None:
    # Zappa calls again with fewer arguments after a TypeError: with a default, a handler would run twice.
    parameters = inspect.signature(import_string(name)).parameters.values()
    assert [p.name for p in parameters] == ["event", "context"]
    assert all(p.default is p.empty for p in parameters)


def test_every_function_in_the_zappa_settings_exists() -> None:
    stages = json.loads((ROOT / "zappa_settings.json").read_text())
    named = [event["function"] for stage in stages.values() for event in stage.get("events", [])]
    assert sorted(set(named)) == ["converter.events.clock.sweep", "converter.events.s3.on_upload"]
    for name in named:
        import_string(name)


@pytest.mark.django_db
def test_no_migration_is_missing() -> None:
    call_command("makemigrations", check=True, dry_run=True, verbosity=0)


@pytest.mark.long
def test_the_deployed_site_passes_the_checks_of_django(tmp_path: Path) -> None:
    environment = {
        "PATH": "/usr/bin:/bin",
        "HTTPS": "on",
        "SECRET_KEY": "a long and random value, as the secret store makes it: 8f1c9e27b4",
        "ALLOWED_HOSTS": "images.example.org",
        "DATA_DIR": str(tmp_path),
    }
    subprocess.run(
        [sys.executable, "-W", "error", "manage.py", "check", "--deploy", "--fail-level", "WARNING"],
        cwd=ROOT,
        env=environment,
        check=True,
    )


def test_every_module_is_short() -> None:
    files = [ROOT / "manage.py"]
    for room in ("converter", "imagesite", "infra", "tests"):
        files += (ROOT / room).rglob("*.py")
    lengths = {str(file.relative_to(ROOT)): len(file.read_text().splitlines()) for file in files}
    assert len(lengths) > 300
    del lengths["imagesite/settings.py"]  # all settings are in one file, however many
    assert {name: length for name, length in lengths.items() if length > 400} == {}


# Tests of a whole deployment: each step depends on those before it.
LONG_STORIES = {
    "infra/tests/test_slow_parts.py::test_aurora_a_domain_and_lifecycles_are_created_and_destroyed",
    "infra/tests/test_walk.py::test_a_site_is_deployed_used_updated_restored_and_destroyed",
    "tests/cloud/test_system.py::test_the_system_is_deployed_used_updated_and_removed",
    "tests/e2e/test_walk.py::test_a_walk",
}


@pytest.mark.long
def test_every_function_is_short() -> None:
    long = set()
    for room in ("clients", "converter", "imagesite", "infra", "tests"):
        for file in (ROOT / room).rglob("*.py"):
            for node in ast.walk(ast.parse(file.read_text())):
                if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and _length(node) > 40:
                    long.add(f"{file.relative_to(ROOT)}::{node.name}")
    assert long == LONG_STORIES


def _length(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Return the number of lines of the body, without the docstring."""
    body = function.body[1:] if ast.get_docstring(function) else function.body
    return (function.end_lineno or 0) - body[0].lineno + 1 if body else 0


def test_every_script_is_short() -> None:
    scripts = sorted((ROOT / "converter/static/converter/js").glob("*.js"))
    assert scripts
    lengths = {script.name: len(script.read_text().splitlines()) for script in scripts}
    assert {name: length for name, length in lengths.items() if length > 150} == {}
