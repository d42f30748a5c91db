"""Errors as JSON responses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.http import JsonResponse
from django.urls import get_script_prefix
from django.utils import translation

from converter.engine.messages import Message

from .table import ERRORS

CONTENT_TYPE = "application/problem+json"
PASSING_STATUSES = (429, 503)
SOON = 5  # seconds


def title(code: str) -> str:
    """Return the title of a code, always in English, so that it is the same in every response."""
    with translation.override("en"):
        return str(ERRORS[code].title)


def answer(
    message: Message,
    *,
    detail: str = "",
    errors: Sequence[Mapping[str, Any]] = (),
    headers: Mapping[str, str] | None = None,
) -> JsonResponse:
    """Return the problem details (RFC 9457). `detail` is the text of a message stored without parameters.

    Responses with a status in PASSING_STATUSES have a Retry-After: the message's own, or SOON.
    """
    status = ERRORS[message.code].status
    body: dict[str, Any] = {
        "type": f"{get_script_prefix()}problems/{message.code}/",
        "title": title(message.code),
        "status": status,
        "detail": detail or message.text,
        "code": message.code,
        "params": message.plain_params,
    }
    if errors:
        body["errors"] = list(errors)
    headers = dict(headers or {})
    if status in PASSING_STATUSES:
        headers.setdefault("Retry-After", str(seconds_named(message) or SOON))
    return JsonResponse(body, status=status, content_type=CONTENT_TYPE, headers=headers)


def seconds_named(message: Message) -> int:
    """Return the waiting time that the message names, in seconds; 0 if none."""
    params = message.params
    return int(params.get("seconds") or 60 * params.get("minutes", 0))
