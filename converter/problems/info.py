"""What people and programs read about an error code."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.functional import Promise


@dataclass(frozen=True)
class ErrorInfo:
    """One error code: its title, what happened, what to do about it, and the HTTP status of its answer."""

    title: str | Promise
    what: str | Promise
    advice: str | Promise
    status: int
