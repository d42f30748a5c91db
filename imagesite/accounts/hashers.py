"""Limit concurrent password hashing, so that many logins at once do not use all cores."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from threading import BoundedSemaphore
from typing import Any

from django.contrib.auth import hashers

AT_ONCE = max(1, (os.cpu_count() or 1) // 2)
WAITING = 4
MOST_SECONDS = 5

_TURNS = BoundedSemaphore(AT_ONCE)
_PLACES = BoundedSemaphore(AT_ONCE + WAITING)  # limited, since a waiting thread serves no requests


class Busy(Exception):
    """Too many passwords are being checked."""


class BoundedPBKDF2PasswordHasher(hashers.PBKDF2PasswordHasher):
    """Django's default hasher with limited concurrency. Raises Busy."""

    def encode(self, *args: Any, **kwargs: Any) -> str:
        with _turn():
            return super().encode(*args, **kwargs)


@contextmanager
def _turn() -> Iterator[None]:
    if not _PLACES.acquire(blocking=False):
        raise Busy
    try:
        if not _TURNS.acquire(timeout=MOST_SECONDS):
            raise Busy
        try:
            yield
        finally:
            _TURNS.release()
    finally:
        _PLACES.release()
