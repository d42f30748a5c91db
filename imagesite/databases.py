"""How each kind of database is used."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from imagesite import private


def configured(database: dict[str, Any]) -> dict[str, Any]:
    """Return Django's description of a database with our options; make the file of an SQLite one."""
    if database["ENGINE"] != "django.db.backends.sqlite3":
        # A paused cluster takes up to 15 s to wake.
        options = {"connect_timeout": 20, **database.get("OPTIONS", {})}
        return {**database, "CONN_HEALTH_CHECKS": True, "OPTIONS": options}
    if database["NAME"] != ":memory:":
        private.make_database(Path(database["NAME"]))
    # Many processes write: WAL lets readers pass, IMMEDIATE takes the write lock when a transaction begins
    # (a read that turns into a write would fail at once instead of waiting).
    return {
        **database,
        "OPTIONS": {
            "timeout": 8,  # shorter than most clients and proxies wait for an answer
            "transaction_mode": "IMMEDIATE",
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA mmap_size=134217728;",
        },
    }
