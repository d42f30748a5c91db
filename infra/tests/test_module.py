from __future__ import annotations

import json
import re
import subprocess

import pytest

from infra.tests.terraform import INFRA, Terraform


def test_the_files_are_formatted(module: Terraform) -> None:
    module("fmt", "-check", "-recursive", "-diff")


def test_the_module_is_valid(module: Terraform) -> None:
    module("validate")


@pytest.mark.parametrize("file", sorted(path.name for path in INFRA.glob("tests/*.tftest.hcl")))
def test_both_phases_all_switches_and_all_policies_hold(module: Terraform, file: str) -> None:
    """Terraform runs test files sequentially, so they run in parallel here."""
    text = module("test", "-no-color", f"-filter=tests/{file}")
    passed = re.search(r"Success! (\d+) passed, 0 failed", text)
    assert passed, text
    # Terraform also reports success when it finds no tests.
    assert int(passed[1]) == (INFRA / "tests" / file).read_text().count('\nrun "') > 0


def test_the_scan_finds_nothing_unexplained() -> None:
    checkov = INFRA.parent / ".venv-infra" / "bin" / "checkov"
    done = subprocess.run(
        [checkov, "-d", str(INFRA), "--framework", "terraform", "--skip-download", "--quiet", "--compact"],
        capture_output=True,
        text=True,
        timeout=3600,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"Passed checks: \d{3}, Failed checks: 0", done.stdout), done.stdout


def test_every_exception_from_the_scan_has_a_reason() -> None:
    exceptions = [
        line
        for path in INFRA.glob("*.tf")
        for line in path.read_text().splitlines()
        if "checkov:skip" in line
    ]
    assert exceptions
    assert all(re.search(r"checkov:skip=CKV2?_AWS_\d+:\S.{15,}", line) for line in exceptions)


CONDITION_KEYS = {"iam:PassedToService", "lambda:SourceFunctionArn"}
KNOWN = """
import json, sys
from policy_sentry.querying.actions import get_action_data
print(json.dumps([name for name in json.load(sys.stdin) if not get_action_data(*name.split(":"))]))
"""


def test_every_granted_action_exists_in_aws() -> None:
    """policy_sentry, installed with the scanner, has AWS's published list."""
    text = "".join((INFRA / f"{name}.tf").read_text() for name in ("deployer", "roles", "storage"))
    named = set(re.findall(r'"((?!aws:)[a-z0-9-]+:[A-Z][A-Za-z]+)"', text)) - CONDITION_KEYS
    assert len(named) > 70
    python = INFRA.parent / ".venv-infra" / "bin" / "python"
    done = subprocess.run(
        [python, "-c", KNOWN],
        input=json.dumps([*sorted(named), "lambda:NoSuchAction"]),
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(done.stdout) == ["lambda:NoSuchAction"]
