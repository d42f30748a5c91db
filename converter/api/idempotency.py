"""`Idempotency-Key`: a client that got no response may repeat the request, which is executed only once.

The response is stored in the transaction that does the work, so a crash loses both. A later request may then
take over the key, as soon as the first one has exceeded the maximum duration of a request.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Annotated, Any

from django.db import transaction
from django.db.models import Q
from django.http import HttpResponse, JsonResponse
from django.urls import reverse
from django.utils import timezone
from ninja import Header, Schema
from ninja.responses import NinjaJSONEncoder

from converter.api.access import ApiRequest
from converter.api.problems import Problem
from converter.models import IdempotencyKey

LONGEST_REQUEST = timedelta(minutes=2)
REPLAYED = "Idempotent-Replayed"

Key = Annotated[
    str | None,
    Header(
        None,
        alias="Idempotency-Key",
        min_length=1,
        max_length=255,
        description="Repeating a request with the same key and body within 24 hours returns the first response without doing anything twice.",
    ),
]


def once(request: ApiRequest, key: str | None, act: Callable[[], Schema], url_name: str) -> HttpResponse:
    """Return the result of `act` with status 201. `act` only runs the first time this key is used."""
    answer, replayed = remembered(request, key, request.body if key else b"", lambda: _plain(act()))
    response = _created(answer, url_name)
    if replayed:
        response[REPLAYED] = "true"
    return response


def remembered(request: ApiRequest, key: str | None, body: bytes, act: Callable[[], Any]) -> tuple[Any, bool]:
    """Return the result of `act` for this key, as JSON, and whether it is a stored one.

    `body` identifies the request. Raises Problem if the key belongs to another request, or if the first one
    is still running.
    """
    if key is None:
        return act(), False
    row = _claim(request, key, body)
    if row.status is not None:
        return row.answer, True
    ours = IdempotencyKey.objects.filter(pk=row.pk, created_at=row.created_at, status=None)
    try:
        with transaction.atomic():
            answer = act()
            if not ours.update(status=201, answer=answer):
                raise _in_progress()
    except Exception:
        ours.delete()  # nothing was done, so the client may use the key for a corrected request
        raise
    return answer, False


def _created(answer: Any, url_name: str) -> HttpResponse:
    return JsonResponse(answer, status=201, headers={"Location": reverse(url_name, args=[answer["id"]])})


def _claim(request: ApiRequest, key: str, body: bytes) -> IdempotencyKey:
    fingerprint = hashlib.sha256(
        b"\n".join([str(request.method).encode(), request.path.encode(), body])
    ).hexdigest()
    row, new = IdempotencyKey.objects.get_or_create(
        owner=request.auth.user, key=key, defaults={"fingerprint": fingerprint}
    )
    if new:
        return row
    if row.fingerprint != fingerprint:
        raise Problem("key_reused")
    if row.status is None:
        now = timezone.now()
        # The second condition handles a clock that has been set back.
        is_over = Q(created_at__lt=now - LONGEST_REQUEST) | Q(created_at__gt=now + LONGEST_REQUEST)
        abandoned = IdempotencyKey.objects.filter(is_over, pk=row.pk, status=None)
        if not abandoned.update(created_at=now):
            raise _in_progress()
        row.created_at = now
    return row


def _in_progress() -> Problem:
    return Problem("in_progress", headers={"Retry-After": "1"})


def _plain(answer: Schema) -> Any:
    return json.loads(json.dumps(answer.model_dump(), cls=NinjaJSONEncoder))
