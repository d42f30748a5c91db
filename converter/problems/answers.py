"""Errors as JSON responses for programs."""

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
    """Return the title of a code in English: it is always the same for the same code."""
    with translation.override("en"):
        return str(ERRORS[code].title)


def answer(
    message: Message,
    *,
    detail: str = "",
    errors: Sequence[Mapping[str, Any]] = (),
    headers: Mapping[str, str] | None = None,
) -> JsonResponse:
    """Return the problem details of RFC 9457. `detail` stands for the text of a message from before it had parameters.

    What passes says when to try again: as long as the message says, or soon.
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
    """Return how long the message tells its reader to wait, in seconds; 0 if it does not say."""
    params = message.params
    return int(params.get("seconds") or 60 * params.get("minutes", 0))
