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
    """Return the problem details of RFC 9457. `detail` stands for the text of a message from before it had parameters."""
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
    return JsonResponse(body, status=status, content_type=CONTENT_TYPE, headers=dict(headers or {}))
