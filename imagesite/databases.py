"""Database options for SQLite and PostgreSQL."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from imagesite import private


def configured(database: dict[str, Any]) -> dict[str, Any]:
    """Return the database settings with our options added; create the file of an SQLite database."""
    if database["ENGINE"] != "django.db.backends.sqlite3":
        # A paused cluster takes up to 15 s to wake.
        options = {"connect_timeout": 20, **database.get("OPTIONS", {})}
        return {**database, "CONN_HEALTH_CHECKS": True, "OPTIONS": options}
    if database["NAME"] != ":memory:":
        private.make_database(Path(database["NAME"]))
    # Many processes write: WAL does not block readers, and IMMEDIATE takes the write lock when a transaction
    # begins (upgrading from a read to a write would fail at once instead of waiting).
    return {
        **database,
        "OPTIONS": {
            "timeout": 10,  # less than most clients and proxies wait for a response
            "transaction_mode": "IMMEDIATE",
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA mmap_size=134217728;",
        },
    }
