"""Wait only briefly for a database lock: optional writes must not delay a request."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection

SECONDS = 0.5


@contextmanager
def short_lock_timeout() -> Iterator[None]:
    """Raise OperationalError if SQLite is locked for longer than SECONDS, instead of the usual timeout.

    PostgreSQL needs no such limit: it locks only rows that another request is writing.
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
