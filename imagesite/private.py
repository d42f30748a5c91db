"""Files that only the account running the site may read: at home they hold sessions, secrets and people's images."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable
from pathlib import Path

from django.core.management.utils import get_random_secret_key

FOLDER, FILE = 0o700, 0o600


def make_folder(path: Path) -> None:
    """Make the folder where it is missing; close one that others can enter."""
    path.mkdir(mode=FOLDER, parents=True, exist_ok=True)
    _close([path], FOLDER)


def make_database(path: Path) -> None:
    """Make an empty SQLite file where it is missing, so that SQLite does not make one for all; close an older one.

    SQLite gives the files beside it the same mode.
    """
    if not path.exists() and path.parent.is_dir():
        path.touch(mode=FILE)
    _close([path, *path.parent.glob(f"{path.name}-*")], FILE)


def secret_key(path: Path) -> str:
    """Return this machine's secret key, made at the first start and kept beside the data."""
    if not path.exists():
        path.touch(mode=FILE)
        path.write_text(get_random_secret_key())
    return path.read_text()


def _close(paths: Iterable[Path], mode: int) -> None:
    for path in filter(Path.exists, paths):
        found = path.stat()
        # Whose it is may know better; a folder with the sticky bit, such as /tmp, belongs to all.
        if found.st_mode & 0o077 and not found.st_mode & stat.S_ISVTX and found.st_uid == os.geteuid():
            path.chmod(mode)
