"""Ids in URLs and forms, in upper or lower case (RFC 9562, 4)."""

from __future__ import annotations

import uuid

from django.urls.converters import UUIDConverter


class IdConverter(UUIDConverter):
    """A path converter for UUIDs; Django's accepts only lower case."""

    regex = f"(?i:{UUIDConverter.regex})"


def uuid_of(text: str) -> uuid.UUID | None:
    """Return the id, or None if the text is not a UUID."""
    try:
        return uuid.UUID(text)
    except ValueError:
        return None
