"""The caller of a request, and row lookups that are always limited to the owner."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import TypeVar

from django.contrib.auth.base_user import AbstractBaseUser
from django.db.models import Model, QuerySet
from django.http import HttpRequest

from converter.api.problems import Problem

M = TypeVar("M", bound=Model)


@dataclass(frozen=True)
class Caller:
    """The authenticated user of an API request. `key` identifies the session or token."""

    user: AbstractBaseUser
    key: str
    may_write: bool = True


class ApiRequest(HttpRequest):
    auth: Caller


def own(request: ApiRequest, rows: QuerySet[M], pk: uuid.UUID) -> M:
    """Return the caller's row. Raises Problem if there is none, or if it belongs to another user."""
    row = rows.filter(pk=pk, owner=request.auth.user.pk).first()
    if row is None:
        raise Problem("not_found", kind=rows.model._meta.model_name)
    return row
