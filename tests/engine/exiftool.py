"""exiftool, used to check the metadata of files: one process for all tests, since it starts slowly."""

from __future__ import annotations

import atexit
import functools
import json
import shutil
import subprocess
import tempfile
from typing import Any


def read(data: bytes, *options: str, extension: str = "jpg") -> dict[str, Any]:
    """Return exiftool's tags of the file; the options determine their names."""
    process = _start()
    assert process.stdin
    assert process.stdout
    with tempfile.NamedTemporaryFile(suffix=f".{extension}") as file:
        file.write(data)
        file.flush()
        process.stdin.write("\n".join(["-j", *options, file.name, "-execute", ""]))
        process.stdin.flush()
        answer = "".join(iter(process.stdout.readline, "{ready}\n"))
    found: dict[str, Any] = json.loads(answer)[0]
    assert not [name for name in found if name.endswith("Error")], found
    return found


@functools.cache
def _start() -> subprocess.Popen[str]:
    program = shutil.which("exiftool")
    assert program, "exiftool is needed to prove what metadata is left: install libimage-exiftool-perl"
    process = subprocess.Popen(
        [program, "-stay_open", "True", "-@", "-"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        encoding="utf-8",
    )
    atexit.register(_end, process)
    return process


def _end(process: subprocess.Popen[str]) -> None:
    process.communicate("-stay_open\nFalse\n")
