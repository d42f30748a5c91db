"""Consistent reads: all queries in a snapshot see the database as of the first one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection, transaction


@contextmanager
def snapshot() -> Iterator[None]:
    """Read everything from one state of the database; writes are not allowed.

    By default, each statement in PostgreSQL sees its own snapshot; with REPEATABLE READ all see the same. In
    SQLite every transaction does, and DEFERRED takes no lock that blocks writers. Inside another transaction,
    its isolation level applies.
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
