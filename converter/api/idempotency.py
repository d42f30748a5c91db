"""`Idempotency-Key`: a client that got no response may repeat the request, which is executed only once.

The key is stored in the transaction that creates the batch: a crash loses both, and of simultaneous requests only
one succeeds. The response is made and stored afterwards, since other writes to SQLite wait for the end of a
transaction. If that fails, the next request makes the response from the batch.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Callable
from functools import partial
from typing import Annotated, Any

from django.db import IntegrityError, OperationalError
from django.http import HttpResponse, JsonResponse
from django.urls import reverse
from ninja import Header, Schema
from ninja.responses import NinjaJSONEncoder

from converter import jobs
from converter.api.access import ApiRequest
from converter.api.problems import Problem
from converter.jobs.submit import OnCreate, ignore
from converter.lock_timeout import short_lock_timeout
from converter.models import Batch, IdempotencyKey

logger = logging.getLogger(__name__)

REPLAYED = "Idempotent-Replayed"

Create = Callable[[OnCreate], Batch]

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


def once(
    request: ApiRequest, key: str | None, create: Create, tell: Callable[[Batch], Schema], url_name: str
) -> HttpResponse:
    """Return the response about a new batch, with status 201. It is only created the first time this key is used."""
    body = request.body if key else b""
    answer, replayed = remembered(request, key, body, create, lambda batch: _plain(tell(batch)))
    response = _created(answer, url_name)
    if replayed:
        response[REPLAYED] = "true"
    return response


def remembered(
    request: ApiRequest, key: str | None, body: bytes, create: Create, tell: Callable[[Batch], Any]
) -> tuple[Any, bool]:
    """Return what `tell` says about the batch of this key, as JSON, and whether an earlier request created it.

    `body` identifies the request. Raises Problem if the key belongs to another request, and Gone if the batch
    was deleted before it was told.
    """
    if key is None:
        return tell(create(ignore)), False
    ours = IdempotencyKey(owner_id=request.auth.user.pk, key=key, fingerprint=_fingerprint(request, body))
    earlier = _earlier(ours)
    try:
        batch = None if earlier else create(partial(_take, ours))
    except _KeyTaken:  # by a request at the same time
        batch, earlier = None, _earlier(ours)
    if earlier and earlier.status is not None:
        return earlier.answer, True
    answer = tell(batch or _batch(earlier))
    _store(earlier or ours, answer)
    return answer, bool(earlier)


class _KeyTaken(Exception):
    """Another request has this key."""


def _earlier(ours: IdempotencyKey) -> IdempotencyKey | None:
    """Return the key of an earlier request like ours. Raises Problem if that was another request."""
    row = IdempotencyKey.objects.filter(owner=ours.owner_id, key=ours.key).first()
    if row and row.fingerprint != ours.fingerprint:
        raise Problem("key_reused")
    return row


def _take(ours: IdempotencyKey, batch: Batch) -> None:
    """Store the key with the batch that is being created. Raises _KeyTaken."""
    ours.batch = batch.pk
    try:
        ours.save(force_insert=True)
    except IntegrityError as exc:
        raise _KeyTaken from exc


def _batch(earlier: IdempotencyKey | None) -> Batch:
    batch = Batch.objects.filter(pk=earlier.batch).first() if earlier and earlier.batch else None
    if batch is None:
        raise jobs.Gone(kind="result")
    return batch


def _store(row: IdempotencyKey, answer: Any) -> None:
    """Store the answer. While the database is busy, leave it out: it can be made from the batch again."""
    try:
        with short_lock_timeout():
            IdempotencyKey.objects.filter(pk=row.pk, status=None).update(status=201, answer=answer)
    except OperationalError:
        logger.info("Response not stored: the database is busy", extra={"batch": str(row.batch)})


def _created(answer: Any, url_name: str) -> HttpResponse:
    return JsonResponse(answer, status=201, headers={"Location": reverse(url_name, args=[answer["id"]])})


def _fingerprint(request: ApiRequest, body: bytes) -> str:
    return hashlib.sha256(b"\n".join([str(request.method).encode(), request.path.encode(), body])).hexdigest()


def _plain(answer: Schema) -> Any:
    return json.loads(json.dumps(answer.model_dump(), cls=NinjaJSONEncoder))
