"""What staff change without a deploy: in the database (home) or in DynamoDB (cloud), read at most once a minute.

What they leave open is as the environment says. No size or number of files goes beyond that, which was chosen for the
machine; conversions a day may.
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

_kept: tuple[float, Configuration] | None = None  # when it was read


class Store(Protocol):
    """Where the values are kept. Raises StorageFault or DatabaseError if it does not answer."""

    def read(self) -> dict[str, Any]: ...

    def write(self, values: dict[str, Any]) -> None: ...


@cache
def _store(path: str) -> Store:
    made: Store = import_string(path)()
    return made


def store() -> Store:
    return _store(settings.CONVERTER_CONFIGURATION)


def current() -> Configuration:
    """Return what holds now. If the store does not answer, what was read last stays."""
    if _kept and time.monotonic() - _kept[0] < FRESH:
        return _kept[1]
    try:
        found = Configuration.of(store().read())
    except (StorageFault, DatabaseError):
        logger.warning("The configuration could not be read", exc_info=True)
        found = _kept[1] if _kept else Configuration()
    return keep(found)


def save(configuration: Configuration) -> None:
    """Keep it for all; other processes read it within a minute."""
    store().write(configuration.values())
    keep(configuration)


def keep(configuration: Configuration, at: float | None = None) -> Configuration:
    """Use it until a minute after `at`, in seconds of the monotonic clock; without, from now."""
    global _kept
    _kept = (time.monotonic() if at is None else at, configuration)
    return configuration
