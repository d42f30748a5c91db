"""Pagination of the API's lists."""

from __future__ import annotations

from typing import Annotated, TypeVar

from django.db.models import Model, QuerySet
from ninja import Field, Schema

from converter import engine, paging
from converter.api.problems import Problem, invalid_parameters

Row = TypeVar("Row", bound=Model)


class Paging(Schema):
    limit: Annotated[int, Field(ge=1, le=100, description="Maximum number of items.")] = 50
    cursor: Annotated[str | None, Field(description="`next` of the previous page.")] = None


def page(rows: QuerySet[Row], query: Paging) -> tuple[list[Row], str | None]:
    """Return one page, newest first, and the cursor of the next. Raises Problem for an invalid cursor."""
    try:
        return paging.page(rows, query.cursor, query.limit)
    except paging.InvalidCursor as exc:
        raise _invalid() from exc


def position(cursor: str | None) -> int:
    """Return the job position that a batch cursor encodes, or -1 without a cursor.

    Raises Problem for an invalid cursor.
    """
    if cursor is None:
        return -1
    if not cursor.isascii() or not cursor.isdecimal() or len(cursor) > 9:
        raise _invalid()
    return int(cursor)


def _invalid() -> Problem:
    return invalid_parameters({"cursor": engine.Message("cursor_invalid")})
