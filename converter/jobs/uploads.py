"""Receive: the bytes of an upload are here, or are brought."""

from __future__ import annotations

import io
import logging
import uuid

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from converter import outbound, storage
from converter.engine import Message
from converter.jobs.ending import end
from converter.jobs.errors import OverQuota
from converter.jobs.sources import limits
from converter.jobs.submit import check_quota
from converter.models import Job, Upload
from converter.storage import Stored

logger = logging.getLogger(__name__)

FETCH_SECONDS = 60


def receive(key: str, stored: Stored) -> Upload | None:
    """Note that the bytes of an upload are here and queue its jobs; None for what nobody awaits, which is deleted.

    The first bytes to come are the upload. Others that replace them are noticed when they are read.
    """
    now = timezone.now()
    upload = Upload.objects.filter(key=key).first()
    if upload is None or upload.deleted_at:
        # A form may be posted for minutes, also after its upload was deleted.
        logger.warning("An object came that nobody awaits", extra={"key": key.rpartition("/")[0]})
        storage.uploads.remove([key])
        return None
    first = Upload.objects.filter(pk=upload.pk, received_at=None).update(
        received_at=now, etag=stored.etag, size=stored.size
    )
    Job.objects.filter(upload=upload, status=Job.Status.AWAITING_UPLOAD).update(
        status=Job.Status.QUEUED, queued_at=now, asked_at=now
    )
    if first:
        upload.received_at, upload.etag, upload.size = now, stored.etag, stored.size
    elif upload.etag != stored.etag:
        logger.warning("An upload was sent again with other bytes", extra={"upload": str(upload.pk)})
    return upload


def fetch(upload_id: uuid.UUID) -> None:
    """Bring the bytes of an upload from its address; the event that follows takes them in.

    What cannot be had ends the jobs that wait for it as failed.
    """
    awaited = Upload.objects.filter(pk=upload_id, received_at=None).exclude(source_url="")
    upload = awaited.select_related("owner").first()
    if upload is None or not upload.jobs.filter(status=Job.Status.AWAITING_UPLOAD).exists():
        return
    try:
        answer = outbound.request(
            "GET",
            upload.source_url,
            seconds=FETCH_SECONDS,
            most_bytes=limits().max_bytes,
            allowed=settings.CONVERTER_OUTBOUND_ALLOWED,
        )
    except outbound.FetchError as exc:
        _end_awaited(upload, exc.message)
        return
    if answer.status != 200:
        _end_awaited(upload, outbound.FetchError("status", status=answer.status).message)
        return
    if not answer.body:
        _end_awaited(upload, Message("empty_file", {"kind": "fetched"}))
        return
    try:
        with transaction.atomic():
            # Only now is known how large it is.
            check_quota(upload.owner, jobs=0, size=len(answer.body))
    except OverQuota as exc:
        _end_awaited(upload, exc.message)
        return
    storage.uploads.put(
        upload.key, io.BytesIO(answer.body), filename=upload.name, content_type="application/octet-stream"
    )


def _end_awaited(upload: Upload, message: Message) -> None:
    end(Job.objects.filter(upload=upload, status=Job.Status.AWAITING_UPLOAD), message)
