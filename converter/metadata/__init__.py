"""The metadata of each image, in the database (home) or in DynamoDB (cloud).

An item is a JSON object: the facts (`raster.Facts.to_dict`), the owner and the file name, and later the
outputs, and the labels if switched on. Stores raise StorageFault if they do not respond.
"""

from __future__ import annotations

import uuid
from datetime import datetime
from functools import cache
from typing import Any, Protocol

from django.conf import settings
from django.utils.module_loading import import_string

from converter import configuration

Item = dict[str, Any]


class Metadata(Protocol):
    def put(self, upload: uuid.UUID, item: Item, *, expires_at: datetime) -> None: ...

    def update(self, upload: uuid.UUID, fields: Item, *, expires_at: datetime) -> None:
        """Set these fields of the item; a deleted item stays deleted."""

    def get(self, upload: uuid.UUID) -> Item | None: ...

    def remove(self, upload: uuid.UUID) -> None: ...


@cache
def _store(path: str) -> Metadata:
    store: Metadata = import_string(path)()
    return store


def store() -> Metadata:
    return _store(settings.CONVERTER_METADATA)


def labels_of(jpeg: bytes) -> Item:
    """Return the `labels` and `moderation` of a small JPEG; empty if Rekognition is off or fails."""
    if not configuration.current().labels_are_on:
        return {}
    found: Item = import_string(settings.CONVERTER_LABELS)(jpeg)
    return found
