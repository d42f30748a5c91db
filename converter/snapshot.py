"""Consistent reads: everything read within a snapshot is as it was at the first read."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection, transaction


@contextmanager
def snapshot() -> Iterator[None]:
    """Read everything within from one state of the database; nothing may be written.

    PostgreSQL's usual isolation shows each statement a state of its own; REPEATABLE READ shows all the same. SQLite does
    so in every transaction, and DEFERRED takes no lock that a writer would wait for. Within another transaction, that
    one's isolation holds.
    """
    if connection.in_atomic_block:
        yield
    elif connection.vendor == "sqlite":
        sqlite: Any = connection
        usual, sqlite.transaction_mode = sqlite.transaction_mode, "DEFERRED"
        try:
            with transaction.atomic():
                yield
        finally:
            sqlite.transaction_mode = usual
    else:
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            yield
