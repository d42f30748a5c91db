"""Database connections outside of requests: Django looks after them only around a request."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import close_old_connections


@contextmanager
def fresh_connections() -> Iterator[None]:
    """Drop connections that broke or grew old since the last event, and those that may not outlive this one."""
    close_old_connections()
    try:
        yield
    finally:
        close_old_connections()
