"""Lists in pages. A cursor says where the last page ended, so that page one thousand costs what page one does."""

from __future__ import annotations

import base64
import binascii
import uuid
from datetime import UTC, datetime
from typing import Annotated, TypeVar

from django.db.models import Model, Q, QuerySet
from ninja import Field, Schema

from converter import engine
from converter.api.problems import Problem

M = TypeVar("M", bound=Model)


class Paging(Schema):
    limit: Annotated[int, Field(ge=1, le=100, description="Maximum number of items.")] = 50
    cursor: Annotated[str | None, Field(description="`next` of the previous page.")] = None


def page(rows: QuerySet[M], query: Paging) -> tuple[list[M], str | None]:
    """Return one page of rows that have `created_at`, newest first, and the cursor of the next."""
    rows = rows.order_by("-created_at", "-pk")
    if query.cursor:
        created_at, pk = _decode(query.cursor)
        # The first condition alone is what an index can seek to.
        rows = rows.filter(Q(created_at__lt=created_at) | Q(pk__lt=pk), created_at__lte=created_at)
    found = list(rows[: query.limit + 1])
    if len(found) <= query.limit:
        return found, None
    del found[-1]
    return found, encode(found[-1])


def encode(row: Model) -> str:
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
    except (ValueError, OverflowError, binascii.Error) as exc:
        wrong = engine.Message("cursor_invalid")
        error = {"parameter": "cursor", "code": wrong.code, "params": {}, "detail": wrong.text}
        raise Problem("invalid_request", errors=[error], kind="problems", problems=[wrong]) from exc
