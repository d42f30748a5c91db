"""Allow one process at a time to use a data folder."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.core.management.base import CommandError


@contextmanager
def hold(path: Path, refusal: str) -> Iterator[None]:
    """Hold a lock, which the kernel releases when the process ends. Raises CommandError(refusal) if taken."""
    with path.open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as exc:
            raise CommandError(refusal) from exc
        yield
