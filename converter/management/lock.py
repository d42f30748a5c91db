"""One process at a time on a data folder."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.core.management.base import CommandError


@contextmanager
def hold(path: Path, refusal: str) -> Iterator[None]:
    """Hold the lock; the system releases it however the process ends. Raises CommandError(refusal) if it is taken."""
    with path.open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as exc:
            raise CommandError(refusal) from exc
        yield
