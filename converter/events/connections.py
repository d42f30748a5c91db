"""Database connections outside of requests: Django only manages them around a request."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import close_old_connections


@contextmanager
def fresh_connections() -> Iterator[None]:
    """Close connections that broke or expired since the last event, and those that must not outlive this one."""
    close_old_connections()
    try:
        yield
    finally:
        close_old_connections()
