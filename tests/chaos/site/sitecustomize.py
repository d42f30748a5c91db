"""Loaded by every Python process of a server in chaos: simulates faults that would require root from outside.

A file in the folder CHAOS enables a fault while it exists: `full`, `readonly`, `gone`, and `offset`, which
contains the error of the clock in seconds.
"""

from __future__ import annotations

import errno
import os
import sqlite3.dbapi2
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import django.utils.timezone

FAULTS = Path(os.environ["CHAOS"])
DATA = os.environ["DATA_DIR"]
BUCKETS = (f"{DATA}/uploads/", f"{DATA}/results/")


def has(fault: str) -> bool:
    return (FAULTS / fault).exists()


def refuse_writing(act: Any) -> Any:
    def act_or_not(path: Any, *more: Any, **options: Any) -> Any:
        if os.fspath(path).startswith(BUCKETS) and has("readonly"):
            raise OSError(errno.EROFS, os.strerror(errno.EROFS), path)
        return act(path, *more, **options)

    return act_or_not


def fsync(handle: Any, real: Any = os.fsync) -> None:
    if has("full"):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    real(handle)


def connect(*arguments: Any, real: Any = sqlite3.dbapi2.connect, **options: Any) -> Any:
    if has("gone"):
        raise sqlite3.OperationalError("unable to open database file")
    return real(*arguments, **options)


def offset() -> float:
    try:
        return float((FAULTS / "offset").read_text() or 0)
    except OSError:
        return 0


os.fsync = fsync  # type: ignore[assignment]
os.replace = refuse_writing(os.replace)
os.unlink = refuse_writing(os.unlink)
sqlite3.dbapi2.connect = connect
_time, _now = time.time, django.utils.timezone.now
time.time = lambda: _time() + offset()
django.utils.timezone.now = lambda: _now() + timedelta(seconds=offset())
