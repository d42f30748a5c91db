"""Create files that only the site's system account may read, as they hold sessions, secrets and images."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured
from django.core.management.utils import get_random_secret_key

FOLDER, FILE = 0o700, 0o600
FEWEST_LETTERS = 32  # the minimum length of a secret key


def make_folder(path: Path) -> None:
    """Create the folder if missing, or remove others' access to it. Raises ImproperlyConfigured."""
    try:
        path.mkdir(mode=FOLDER, parents=True, exist_ok=True)
    except OSError as exc:
        raise ImproperlyConfigured(f"DATA_DIR {path} cannot be created: {exc.strerror}.") from exc
    if not os.access(path, os.W_OK | os.X_OK):
        raise ImproperlyConfigured(
            f"DATA_DIR {path} is not writable. Change its owner, or set DATA_DIR to another folder."
        )
    _close([path], FOLDER)


def make_database(path: Path) -> None:
    """Create an empty private SQLite file if missing, or remove others' access to an existing one.

    SQLite itself would create one that others can read. It gives its journal files the same mode.
    """
    if not path.exists() and path.parent.is_dir():
        path.touch(mode=FILE)
    _close([path, *path.parent.glob(f"{path.name}-*")], FILE)


def secret_key(path: Path) -> str:
    """Return this machine's secret key, creating it at the first start."""
    if not path.exists():
        path.touch(mode=FILE)
        path.write_text(get_random_secret_key())
    return path.read_text()


def _close(paths: Iterable[Path], mode: int) -> None:
    for path in filter(Path.exists, paths):
        found = path.stat()
        # Leave other owners' files alone, and shared folders with the sticky bit, such as /tmp.
        if found.st_mode & 0o077 and not found.st_mode & stat.S_ISVTX and found.st_uid == os.geteuid():
            path.chmod(mode)


def checked_key(key: str) -> str:
    """Return the secret key. Raises ImproperlyConfigured if it is short enough to guess."""
    if len(key.strip()) < FEWEST_LETTERS:
        raise ImproperlyConfigured(
            "The secret key is too short: anybody who guesses it can log in as any user. Set SECRET_KEY to at least "
            f"{FEWEST_LETTERS} random characters, or delete the file secret_key in DATA_DIR to create a new one."
        )
    return key
