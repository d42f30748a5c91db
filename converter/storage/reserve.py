"""Room for deleting on a full disk: a database must write before anything can go.

A file in DATA_DIR, kept by the server and given back when there is next to no room.
"""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from pathlib import Path

from django.conf import settings

SIZE = 4 << 20  # bytes: as much as SQLite writes ahead before it uses the same room again
LEAST = SIZE // 16  # enough to delete a few batches, which make room for more


def keep() -> None:
    """Make the file where there is none: a quarter of the free space at most, as a small disk fills up too."""
    path = _path()
    with suppress(OSError):
        size = min(SIZE, _free() // 4)
        if path.exists() or size < LEAST:
            return
        try:
            path.write_bytes(os.urandom(size))  # some file systems store zeros in no room
        except OSError:
            path.unlink(missing_ok=True)


def give_back() -> None:
    """Delete the file if its room is needed."""
    path = _path()
    with suppress(OSError):
        if path.exists() and _free() < SIZE:
            path.unlink()


def _path() -> Path:
    return Path(settings.DATA_DIR, "reserve")


def _free() -> int:
    return shutil.disk_usage(settings.DATA_DIR).free
