"""Reserve disk space for deletions: on a full disk, the database could not write what they need.

It is a file in DATA_DIR that the server creates, and that is deleted when space runs out.
"""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from pathlib import Path

from django.conf import settings

SIZE = 4 << 20  # bytes: about the size at which SQLite checkpoints its write-ahead log
LEAST = SIZE // 16  # enough to delete a few batches, which frees space for more


def keep() -> None:
    """Create the file if there is none. It takes at most a quarter of the free space, for small disks."""
    path = _path()
    with suppress(OSError):
        size = min(SIZE, _free() // 4)
        if path.exists() or size < LEAST:
            return
        try:
            path.write_bytes(os.urandom(size))  # some file systems allocate no blocks for zeros
        except OSError:
            path.unlink(missing_ok=True)


def give_back() -> None:
    """Delete the file if its space is needed."""
    path = _path()
    with suppress(OSError):
        if path.exists() and _free() < SIZE:
            path.unlink()


def _path() -> Path:
    return Path(settings.DATA_DIR, "reserve")


def _free() -> int:
    return shutil.disk_usage(settings.DATA_DIR).free
