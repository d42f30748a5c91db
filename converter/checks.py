"""System checks for contradictory settings."""

from __future__ import annotations

from pathlib import Path
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


@register()
def machines(**_: Any) -> list[CheckMessage]:
    """Check that workers on other machines can reach the database and files of this one."""
    if settings.CONVERTER_DISPATCH != "converter.dispatch.queue.QueueDispatch":
        return []
    missing = {
        "DATABASE_URL must be a PostgreSQL database.": "postgresql"
        not in settings.DATABASES["default"]["ENGINE"],
        "S3_BUCKET must be set.": not settings.S3_BUCKET,
        "SECRET_KEY must be set, to the same value on every machine.": Path(
            settings.DATA_DIR, "secret_key"
        ).exists(),
    }
    return [
        Error(f"DISPATCH=procrastinate: {what}", id="converter.E003")
        for what, is_missing in missing.items()
        if is_missing
    ]
