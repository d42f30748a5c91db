"""The installation matches the lock file, with `jose` from the package that works."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
LOCKS = sorted(ROOT.glob("requirements*.txt"))


def test_warrant_imports_with_the_jose_that_works() -> None:
    import jose
    import warrant

    assert warrant.Cognito
    assert jose.__version__ == version("python-jose")
    with pytest.raises(PackageNotFoundError):
        version("python-jose-cryptodome")


@pytest.mark.long
def test_pip_finds_only_the_difference_we_chose() -> None:
    check = subprocess.run(
        [sys.executable, "-m", "pip", "check"], capture_output=True, text=True, check=False
    )
    assert check.stdout.splitlines() == [
        "warrant 0.6.1 requires python-jose-cryptodome, which is not installed."
    ]


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.name)
def test_locks_contain_only_names_versions_and_hashes(lock: Path) -> None:
    for line in lock.read_text().splitlines():
        assert re.fullmatch(r"[a-z0-9-]+==\S+( ; .+)? \\|    --hash=sha256:[0-9a-f]{64}( \\)?", line), line


@pytest.mark.parametrize("lock", ["package-lock.json", "tests/engine/package-lock.json"])
def test_locks_of_npm_contain_only_versions_and_hashes(lock: str) -> None:
    packages = json.loads((ROOT / lock).read_text())["packages"]
    locked = [package for path, package in packages.items() if path]
    assert locked
    for package in locked:
        assert package["version"]
        assert package["integrity"].startswith("sha512-")
        assert "resolved" not in package


@pytest.mark.parametrize(
    "lock", [lock for lock in LOCKS if "infra" not in lock.name], ids=lambda lock: lock.name
)
def test_installed_packages_match_the_lock(lock: Path) -> None:
    for name, locked in re.findall(r"^([a-z0-9-]+)==(\S+) \\", lock.read_text(), flags=re.MULTILINE):
        assert version(name) == locked, name
