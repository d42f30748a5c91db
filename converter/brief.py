"""Short waits for the lock of the database: what may be left out must not hold up the request."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection

SECONDS = 1


@contextmanager
def brief_wait() -> Iterator[None]:
    """Wait a moment, not the usual time, for a lock of SQLite. Within, OperationalError is raised after that.

    On PostgreSQL a row is locked only while another request writes the same.
    """
    if connection.vendor != "sqlite":
        yield
        return
    with connection.cursor() as cursor:
        usual = cursor.execute("PRAGMA busy_timeout").fetchone()[0]
        cursor.execute(f"PRAGMA busy_timeout = {round(SECONDS * 1000)}")
        try:
            yield
        finally:
            cursor.execute(f"PRAGMA busy_timeout = {usual}")
