"""Lists in pages. The link to the next names the last row seen, so that page one thousand costs what page one does."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import TypeVar

from django.db.models import Q, QuerySet

from converter.models import Batch, Delivery

Row = TypeVar("Row", Batch, Delivery)


def page(rows: QuerySet[Row], after: str | None, size: int) -> tuple[list[Row], str | None]:
    """Return one page, newest first, and the cursor of the next page; an invalid cursor starts from the beginning."""
    rows = rows.order_by("-created_at", "-pk")
    if place := _read(after or ""):
        created_at, pk = place
        # The first condition alone is what an index can seek to.
        rows = rows.filter(Q(created_at__lt=created_at) | Q(pk__lt=pk), created_at__lte=created_at)
    found = list(rows[: size + 1])
    if len(found) <= size:
        return found, None
    del found[-1]
    return found, mark(found[-1])


def mark(row: Batch | Delivery) -> str:
    """Return what a link says to go on after this row."""
    return f"{row.created_at.isoformat()}_{row.pk}"


def _read(after: str) -> tuple[datetime, uuid.UUID] | None:
    created_at, _, pk = after.partition("_")
    try:
        moment = datetime.fromisoformat(created_at)
        return (moment.astimezone(UTC), uuid.UUID(pk)) if moment.tzinfo else None
    except (ValueError, OverflowError):
        return None
