"""A path converter for UUIDs in upper or lower case (RFC 9562, 4); Django's accepts only lower case."""

from __future__ import annotations

from django.urls.converters import UUIDConverter


class IdConverter(UUIDConverter):
    regex = f"(?i:{UUIDConverter.regex})"
