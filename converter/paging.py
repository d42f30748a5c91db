"""Keyset pagination: a cursor names the last row of a page, so that page 1000 is as fast as page 1."""

from __future__ import annotations

import base64
import uuid
from datetime import UTC, datetime
from typing import TypeVar

from django.db.models import Model, Q, QuerySet

Row = TypeVar("Row", bound=Model)


class InvalidCursor(ValueError):
    """The text is not a valid cursor."""


def page(rows: QuerySet[Row], cursor: str | None, size: int) -> tuple[list[Row], str | None]:
    """Return one page of rows by `created_at`, newest first, and the cursor of the next page or None.

    Raises InvalidCursor.
    """
    rows = rows.order_by("-created_at", "-pk")
    if cursor:
        created_at, pk = _decode(cursor)
        # The condition on created_at alone lets the database seek in an index.
        rows = rows.filter(Q(created_at__lt=created_at) | Q(pk__lt=pk), created_at__lte=created_at)
    found = list(rows[: size + 1])
    if len(found) <= size:
        return found, None
    del found[-1]
    return found, cursor_of(found[-1])


def page_or_first(rows: QuerySet[Row], cursor: str | None, size: int) -> tuple[list[Row], str | None]:
    """Like `page`, but an invalid cursor returns the first page."""
    try:
        return page(rows, cursor, size)
    except InvalidCursor:
        return page(rows, None, size)


def cursor_of(row: Model) -> str:
    """Return the cursor of the page after this row."""
    text = f"{row.created_at.isoformat()} {row.pk}"  # type: ignore[attr-defined]
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _decode(cursor: str) -> tuple[datetime, uuid.UUID]:
    try:
        text = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
        created_at, pk = text.split(" ")
        moment = datetime.fromisoformat(created_at)
        if moment.tzinfo is None:
            raise ValueError("no time zone")
        return moment.astimezone(UTC), uuid.UUID(pk)
    except (ValueError, OverflowError) as exc:
        raise InvalidCursor(cursor) from exc
