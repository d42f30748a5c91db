"""Ids in URLs: UUIDs in small letters or capitals (RFC 9562, 4); Django's own converter takes only small ones."""

from __future__ import annotations

from django.urls.converters import UUIDConverter


class IdConverter(UUIDConverter):
    regex = f"(?i:{UUIDConverter.regex})"
