from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.system]

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(("there", "named"), [((), "Terraform"), (("terraform",), "Node.js")])
def test_missing_requirements_of_the_infrastructure_are_named(
    tmp_path: Path, there: tuple[str, ...], named: str
) -> None:
    for program in there:
        (tmp_path / program).touch(mode=0o755)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "infra/tests", "-n", "2"],
        cwd=ROOT,
        env={"PATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 0
    assert f"{named} is not installed" in done.stderr
