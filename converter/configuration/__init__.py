"""The configuration that staff set without a deployment: in the database (home) or DynamoDB (cloud).

It is read at most once a minute. Values that staff leave empty come from the environment. They cannot exceed
the environment's file sizes and numbers of files, which depend on the machine, but can exceed its conversions
per day.
"""

from __future__ import annotations

import logging
import time
from functools import cache
from typing import Any, Protocol

from django.conf import settings
from django.db import DatabaseError
from django.utils.module_loading import import_string

from converter.configuration.values import Configuration
from converter.storage import StorageFault

__all__ = ["Configuration", "Store", "current", "keep", "save", "store"]

logger = logging.getLogger(__name__)

FRESH = 60  # seconds until it is read again

_kept: tuple[float, Configuration] | None = None  # the time when it was read, and the values


class Store(Protocol):
    """The store of the values. Raises StorageFault or DatabaseError if it does not respond."""

    def read(self) -> dict[str, Any]: ...

    def write(self, values: dict[str, Any]) -> None: ...


@cache
def _store(path: str) -> Store:
    made: Store = import_string(path)()
    return made


def store() -> Store:
    return _store(settings.CONVERTER_CONFIGURATION)


def current() -> Configuration:
    """Return the current values. If the store does not respond, the last ones stay in force."""
    if _kept and time.monotonic() - _kept[0] < FRESH:
        return _kept[1]
    try:
        found = Configuration.of(store().read())
    except (StorageFault, DatabaseError):
        logger.warning("Could not read the configuration", exc_info=True)
        found = _kept[1] if _kept else Configuration()
    return keep(found)


def save(configuration: Configuration) -> None:
    """Save the values for all processes, which read them within a minute."""
    store().write(configuration.values())
    keep(configuration)


def keep(configuration: Configuration, at: float | None = None) -> Configuration:
    """Use these values until a minute after `at`, in seconds of time.monotonic() (default: now)."""
    global _kept
    _kept = (time.monotonic() if at is None else at, configuration)
    return configuration
