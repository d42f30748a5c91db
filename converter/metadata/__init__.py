"""What is known of each image: in the database (home) or in DynamoDB (cloud).

An item is a JSON object: what probing found (`engine.Facts.to_dict`), and what was added since.
"""

from __future__ import annotations

import uuid
from datetime import datetime
from functools import cache
from typing import Any, Protocol

from django.conf import settings
from django.utils.module_loading import import_string

Item = dict[str, Any]


class Metadata(Protocol):
    def put(self, upload: uuid.UUID, item: Item, *, expires_at: datetime) -> None: ...

    def get(self, upload: uuid.UUID) -> Item | None: ...

    def remove(self, upload: uuid.UUID) -> None: ...


@cache
def _store(path: str) -> Metadata:
    store: Metadata = import_string(path)()
    return store


def store() -> Metadata:
    return _store(settings.CONVERTER_METADATA)
