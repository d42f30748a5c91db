"""Let the threads of a process write to SQLite one after the other."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock

from django.db import OperationalError, connection

SECONDS = 30  # less than most proxies wait for a response
_TURN = Lock()


@contextmanager
def in_order() -> Iterator[None]:
    """Wait for the long writes of other threads, in about the order of arrival.

    SQLite gives its lock to whichever connection happens to ask next, so with many long writes some wait too
    long. Other databases need no such order. Raises OperationalError after SECONDS. Call outside of
    transactions.
    """
    if connection.vendor != "sqlite":
        yield
        return
    if not _TURN.acquire(timeout=SECONDS):
        raise OperationalError("database is locked")
    try:
        yield
    finally:
        _TURN.release()
