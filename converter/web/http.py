"""The type of requests from logged-in users, and a parser for numbers in URLs and forms."""

from __future__ import annotations

from django.contrib.auth.base_user import AbstractBaseUser
from django.http import HttpRequest
from django_htmx.middleware import HtmxDetails


class LoggedInRequest(HttpRequest):
    """A request that has passed the login middleware."""

    user: AbstractBaseUser  # type: ignore[assignment]  # the concrete model is up to the site
    htmx: HtmxDetails


def number(text: str) -> int | None:
    """Return the number in a form field or URL, or None if it is not a number or has more than six digits.

    Python refuses to parse numbers with thousands of digits.
    """
    return int(text) if text.isdecimal() and len(text) <= 6 else None
