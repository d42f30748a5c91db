"""The description of an error code."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.functional import Promise


@dataclass(frozen=True)
class ErrorInfo:
    """An error code's title, what happened, what to do about it, and the HTTP status."""

    title: str | Promise
    what: str | Promise
    advice: str | Promise
    status: int
