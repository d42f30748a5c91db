"""sharp, the Node.js image library, installed once from the lock file beside this one and used by pipe."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
HOME = HERE.parents[1] / "build" / "sharp"
_LISTS = ("package.json", "package-lock.json")


class Missing(RuntimeError):
    """A required program is not installed; the message says which."""


def install() -> Path:
    """Return the folder with `node_modules`, installed on the first call, under a lock for parallel runs.

    Raises Missing, and CalledProcessError if npm fails.
    """
    if not (shutil.which("node") and shutil.which("npm")):
        raise Missing("The comparison with sharp needs Node.js 20 or newer with npm: apt install nodejs npm")
    HOME.mkdir(parents=True, exist_ok=True)
    wanted = hashlib.sha256(b"".join((HERE / name).read_bytes() for name in _LISTS)).hexdigest()
    stamp = HOME / "installed"
    with (HOME / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not stamp.exists() or stamp.read_text() != wanted:
            for name in _LISTS:
                shutil.copy(HERE / name, HOME / name)
            npm = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
            subprocess.run(npm, cwd=HOME, check=True, timeout=300)
            stamp.write_text(wanted)
    return HOME


def command() -> list[str]:
    return ["node", str(HERE / "sharp.cjs")]


class Sharp:
    """A long-running process; use as a context manager."""

    def __init__(self, environment: Mapping[str, str] | None = None) -> None:
        self._process = subprocess.Popen(
            command(),
            cwd=install(),
            env={**os.environ, **(environment or {})},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> Sharp:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate()

    def ask(self, act: str, **order: Any) -> dict[str, Any]:
        """Send one request and return the response.

        Raises RuntimeError with sharp's error message if it fails.
        """
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        print(json.dumps({"act": act, **order}), file=self._process.stdin, flush=True)
        answer: dict[str, Any] = json.loads(self._process.stdout.readline())
        if "unable" in answer:
            raise RuntimeError(answer["unable"])
        return answer
