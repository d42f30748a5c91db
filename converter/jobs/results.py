"""Read and check stored results. If one is missing or damaged, its job fails, so that it can be retried."""

from __future__ import annotations

import logging
import uuid

from django.db import DatabaseError

from converter import storage
from converter.engine import Message
from converter.jobs.errors import Gone
from converter.jobs.transitions import lose_result
from converter.models import Job
from converter.storage import Stored

logger = logging.getLogger(__name__)


def read_result(job: Job) -> bytes:
    """Return the result of a finished job. Raises Gone if it is missing or changed, StorageFault."""
    try:
        data, stored = storage.results.read(job.result_key)
    except FileNotFoundError:
        raise _lost(job, Message("result_missing")) from None
    if not _is_as_made(job, stored):
        raise _lost(job, Message("result_missing", {"kind": "damaged"}))
    return data


def check_result(key: str) -> None:
    """Raise Gone if the stored result is missing or changed. Raises StorageFault.

    Does not check other keys: thumbnails, previews and ZIPs.
    """
    job = _job_at(key)
    if job is None:
        return
    try:
        stored = storage.results.stat(key)
    except FileNotFoundError:
        raise _lost(job, Message("result_missing")) from None
    if not _is_as_made(job, stored):
        raise _lost(job, Message("result_missing", {"kind": "damaged"}))


def _is_as_made(job: Job, stored: Stored) -> bool:
    # Results of earlier releases have no entity tag.
    return stored.size == job.result_size and job.result_etag in ("", stored.etag)


def _lost(job: Job, message: Message) -> Gone:
    logger.error("A result is missing or damaged", extra={"job": str(job.pk), **message.params})
    try:
        lose_result(job, message)
    except DatabaseError:  # a file that is known to be damaged must not be served
        logger.warning("Could not record a lost result", extra={"job": str(job.pk)}, exc_info=True)
    return Gone(message.code, **message.params)


def _job_at(key: str) -> Job | None:
    try:
        pk = uuid.UUID(key.split("/")[-2])
    except (ValueError, IndexError):
        return None
    job = Job.objects.select_related("upload").filter(pk=pk, status=Job.Status.FINISHED).first()
    return job if job and job.result_key == key else None
