"""Check for contradicting settings before anything starts."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, register


@register()
def retention(**_: Any) -> list[CheckMessage]:
    if settings.CONVERTER_RETENTION.total_seconds() <= 0:
        return [Error("RETENTION_HOURS must be more than 0.", id="converter.E001")]
    if settings.CONVERTER_MAX_RETENTION < settings.CONVERTER_RETENTION:
        return [
            Error(
                "MAX_RETENTION_HOURS is less than RETENTION_HOURS.",
                hint="The default must not exceed the maximum a user can choose.",
                id="converter.E002",
            )
        ]
    return []
