"""Manage database connections outside of requests, where Django does not."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import close_old_connections


@contextmanager
def fresh_connections() -> Iterator[None]:
    """Close broken and expired connections before and after an event."""
    close_old_connections()
    try:
        yield
    finally:
        close_old_connections()
