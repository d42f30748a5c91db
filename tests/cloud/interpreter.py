"""The Python used here to build, deploy and run packages: a version that Lambda's newer runtimes have."""

from __future__ import annotations

import subprocess
import sys
from functools import cache
from pathlib import Path

from infra.package import OLDEST_PYTHON, ROOT


@cache
def lambda_python() -> str:
    """Return the path of this interpreter, or of a later version in its own environment.

    Raises RuntimeError if there is none, since no package can then be built or tested.
    """
    if sys.version_info >= OLDEST_PYTHON:
        return sys.executable
    done = subprocess.run([ROOT / ".ci" / "later-venv"], capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"Packages for Lambda cannot be made here: {done.stderr}")
    return done.stdout.strip()


def make_package(build: Path) -> None:
    """Build the package in that folder, as `make package` does in build/."""
    command = [lambda_python(), "-m", "infra.package", str(build)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stdout + done.stderr)
