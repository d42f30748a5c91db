"""The Python that packages are made, deployed and run with here: one that Lambda's newer runtimes have."""

from __future__ import annotations

import subprocess
import sys
from functools import cache
from pathlib import Path

from infra.package import OLDEST_PYTHON, ROOT


@cache
def lambda_python() -> str:
    """Return its path: this one, or a later one in an environment of its own.

    Raises RuntimeError where there is none: without it no package can be made, and nothing of it proved.
    """
    if sys.version_info >= OLDEST_PYTHON:
        return sys.executable
    done = subprocess.run([ROOT / ".ci" / "later-venv"], capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"Packages for Lambda cannot be made here: {done.stderr}")
    return done.stdout.strip()


def make_package(build: Path) -> None:
    """Make the package in that folder, as `make package` does in build/."""
    command = [lambda_python(), "-m", "infra.package", str(build)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stdout + done.stderr)
