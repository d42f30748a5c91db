"""The request as these pages see it."""

from __future__ import annotations

import uuid

from django.contrib.auth.base_user import AbstractBaseUser
from django.http import HttpRequest
from django_htmx.middleware import HtmxDetails


class LoggedInRequest(HttpRequest):
    """A request that the log-in middleware has let through."""

    user: AbstractBaseUser  # type: ignore[assignment]  # which model it is, this room does not know
    htmx: HtmxDetails


def number(text: str) -> int | None:
    """Return the number that a field or an address names, or None if it is no number or has more than six digits.

    Python refuses to read numbers of thousands of digits.
    """
    return int(text) if text.isdecimal() and len(text) <= 6 else None


def uuid_of(text: str) -> uuid.UUID | None:
    """Return the id that a field or an address names, or None if it is none."""
    try:
        return uuid.UUID(text)
    except ValueError:
        return None
