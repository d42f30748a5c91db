"""Announce, send, fetch and receive uploads."""

from __future__ import annotations

import io
import logging
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import IO
from urllib.parse import unquote

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from converter import configuration, outbound, storage
from converter.engine import Message, Problem, Recipe
from converter.engine.filenames import clean_name, safe_name
from converter.engine.naming import folder_of
from converter.jobs.errors import Conflict, Gone, InvalidSubmission, OverQuota, hindrance_of
from converter.jobs.guests import with_same_quota
from converter.jobs.limits import limits
from converter.jobs.quota import check_quota
from converter.jobs.results import read_result
from converter.jobs.transitions import fail, note_hindrance, queue_received
from converter.models import Batch, Job, JobQuerySet, Preferences, Upload
from converter.storage import StorageFault, Stored, UploadForm

logger = logging.getLogger(__name__)

FORM_LIFETIME = timedelta(minutes=5)
FETCH_SECONDS = 60
ANNOUNCED_FOR = timedelta(hours=1)
ANNOUNCED_BATCHES = 4  # of the maximum size, announced within that time and not yet submitted


@dataclass(frozen=True)
class NewFile:
    """A file that a client will send, or that is fetched from `url`. Size in bytes, 0 if unknown.

    `outputs` replace those of the batch.
    """

    name: str
    size: int
    url: str = ""
    outputs: tuple[Recipe, ...] = ()

    @classmethod
    def from_url(cls, url: str) -> NewFile:
        """Return the file at this URL, named after its path. Raises outbound.FetchError if not allowed."""
        outbound.check(url, settings.CONVERTER_OUTBOUND_ALLOWED)
        _host, _port, _secure, path = outbound.parts(url)
        name = unquote(path.partition("?")[0].rpartition("/")[2]).replace("\0", "")
        return cls(name, size=0, url=url)


def keep_image(owner: AbstractBaseUser, file: NewFile) -> Upload:
    """Create an upload without jobs, such as a watermark. The caller stores its bytes.

    Raises InvalidSubmission if it is empty or too large, OverQuota.
    """
    check_files([file])
    now = timezone.now()
    upload = new_upload(owner, file, now, now + Preferences.of(owner).kept_for)
    with transaction.atomic():
        check_quota(owner, jobs=0, size=file.size)
        upload.save(force_insert=True)
    return upload


def announce(owner: AbstractBaseUser, files: Sequence[NewFile]) -> list[Upload]:
    """Create uploads whose bytes may be sent before their batch is submitted.

    Those not in a batch within an hour are deleted by the sweep.
    Raises InvalidSubmission if files are empty, too large or too many, OverQuota.
    """
    most = configuration.current().most_files
    if len(files) > most:
        raise InvalidSubmission("too_many_files", most=most, count=len(files))
    check_files(files)
    now = timezone.now()
    until = now + min(ANNOUNCED_FOR, Preferences.of(owner).kept_for)
    uploads = [new_upload(owner, file, now, until) for file in files]
    with transaction.atomic():
        check_quota(owner, jobs=0, size=sum(file.size for file in files))
        lone = Upload.objects.filter(with_same_quota(owner), deleted_at=None, jobs=None, sources=None)
        count = lone.filter(created_at__gt=now - ANNOUNCED_FOR).count() + len(files)
        if count > ANNOUNCED_BATCHES * most:
            raise OverQuota(kind="announced", most=ANNOUNCED_BATCHES * most)
        Upload.objects.bulk_create(uploads)
    return uploads


def announced(uploads: Iterable[Upload]) -> set[uuid.UUID]:
    """Return the ids of the uploads whose bytes may still arrive and that are in no batch yet."""
    awaited = [
        upload for upload in uploads if not (upload.received_at or upload.source_url or upload.is_gone)
    ]
    taken = Job.objects.filter(batch__kept=True).of(awaited).uploads() if awaited else Upload.objects.none()
    return {upload.pk for upload in awaited} - set(taken.values_list("pk", flat=True))


def use_result(job: Job) -> Upload:
    """Return the result as a new upload, without sending it again.

    Raises Gone if it has expired or is lost, Conflict if there is none, InvalidSubmission if it is too large,
    OverQuota, StorageFault.
    """
    if job.state == Job.Status.EXPIRED:
        raise Gone(kind="result")
    if not job.has_result:
        raise Conflict("no_result", state=job.status)
    data = read_result(job)
    return store(keep_image(job.owner, NewFile(job.result_name, len(data))), io.BytesIO(data))


def upload_form(upload: Upload) -> UploadForm:
    """Return a form for sending the bytes, valid for five minutes.

    Raises Gone if the upload has expired, Conflict if its bytes are here or are fetched from a URL.
    """
    if upload.is_gone:
        raise Gone(kind="upload")
    if upload.received_at:
        raise Conflict("already_uploaded")
    if upload.source_url:
        raise Conflict("already_uploaded", kind="fetched")
    return storage.uploads.upload_form(
        upload.key, max_size=upload.size, lifetime=FORM_LIFETIME, filename=upload.name
    )


def renew_form(upload: Upload) -> UploadForm:
    """Return a new form, and note that the bytes are about to be sent. Raises the errors of `upload_form`."""
    form = upload_form(upload)
    Upload.objects.filter(pk=upload.pk).update(seen_at=timezone.now())
    return form


def missing_uploads(batch: Batch) -> QuerySet[Upload]:
    """Return the uploads of a batch that the client has not sent yet."""
    awaited = Job.objects.filter(batch=batch, status=Job.Status.AWAITING_UPLOAD).uploads()
    return awaited.filter(source_url="", received_at=None).order_by("name", "pk")


def file_problem(file: NewFile, most: int | None = None) -> Message | None:
    """Return why a file of this size is rejected, or None."""
    most = most or limits().max_bytes
    name = clean_name(file.name)
    if file.size <= 0:
        return Message("empty_file", {"kind": "named", "name": name})
    if file.size > most:
        return Message("too_many_bytes", {"kind": "named", "name": name, "most": most})
    return None


def check_files(files: Sequence[NewFile]) -> None:
    """Raise InvalidSubmission if a file to be sent is empty or too large."""
    most = limits().max_bytes
    problems = [
        Problem(f"/files/{index}/size", problem)
        for index, file in enumerate(files)
        if not file.url and (problem := file_problem(file, most))
    ]
    if problems:
        first = problems[0].message
        raise InvalidSubmission(first.code, errors=problems, **first.params)


def new_upload(owner: AbstractBaseUser, file: NewFile, now: datetime, expires_at: datetime) -> Upload:
    """Return an unsaved upload."""
    pk = uuid.uuid4()
    name = clean_name(file.name)
    return Upload(
        pk=pk,
        owner_id=owner.pk,
        name=name,
        folder=folder_of(file.name),
        key=f"uploads/{owner.pk}/{pk}/{safe_name(name)}",
        source_url=file.url,
        size=file.size,
        created_at=now,
        expires_at=expires_at,
    )


def store(upload: Upload, file: IO[bytes]) -> Upload:
    """Store the bytes of an upload and receive it at once; the storage event that follows changes nothing.

    Raises StorageFault.
    """
    stored = storage.uploads.put(
        upload.key, file, filename=upload.name, content_type="application/octet-stream"
    )
    return receive(upload.key, stored) or upload


def received_etag(key: str) -> str:
    """Return the entity tag of the bytes received under this key, or an empty string."""
    return (
        Upload.objects.filter(key=key, deleted_at=None)
        .exclude(received_at=None)
        .values_list("etag", flat=True)
        .first()
        or ""
    )


def receive(key: str, stored: Stored) -> Upload | None:
    """Note that the bytes of an upload have arrived and queue its jobs.

    Delete the bytes and return None if the upload does not exist or was deleted. The bytes that arrive first
    count; a replacement is detected when it is read. Raises StorageFault.
    """
    now = timezone.now()
    upload = Upload.objects.filter(key=key).first()
    if upload is None or upload.deleted_at:
        # A form stays valid for minutes, even if its upload is deleted.
        logger.warning("Unexpected object in the uploads bucket", extra={"key": key.rpartition("/")[0]})
        storage.uploads.remove([key])
        return None
    first = Upload.objects.filter(pk=upload.pk, received_at=None).update(
        received_at=now, etag=stored.etag, size=stored.size
    )
    queue_received(upload, now, is_first=first == 1)
    if first:
        upload.received_at, upload.etag, upload.size = now, stored.etag, stored.size
    else:
        upload.refresh_from_db()  # another process may have received it since it was read
        if upload.etag != stored.etag:
            logger.warning("An upload was replaced with a different file", extra={"upload": str(upload.pk)})
    return upload


def fetch(upload_id: uuid.UUID) -> None:
    """Fetch the bytes of an upload from its URL; the storage event that follows receives them.

    If they cannot be fetched, the waiting jobs fail. Raises StorageFault.
    """
    awaited = Upload.objects.filter(pk=upload_id, received_at=None).exclude(source_url="")
    upload = awaited.select_related("owner").first()
    job = _awaiting(upload).first() if upload else None
    if upload is None or job is None:
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
        _reserve(upload, len(answer.body), job.batch_id)
    except OverQuota as exc:
        _end_awaited(upload, exc.message)
        return
    try:
        storage.uploads.put(
            upload.key, io.BytesIO(answer.body), filename=upload.name, content_type="application/octet-stream"
        )
    except StorageFault as exc:
        _release(upload)
        note_hindrance(upload, hindrance_of(exc))
        raise


def _reserve(upload: Upload, size: int, batch: uuid.UUID) -> None:
    """Count the size of a fetched image, unknown until now, before it is stored.

    Other images of the batch may be fetched at the same time. Raises OverQuota.
    """
    awaited = Upload.objects.filter(pk=upload.pk, received_at=None)
    with transaction.atomic():
        awaited.update(size=0)  # counted by an earlier attempt
        check_quota(upload.owner, jobs=0, size=size, batch=batch)
        awaited.update(size=size)


def _release(upload: Upload) -> None:
    """Stop counting the size of a fetched image that was not stored."""
    Upload.objects.filter(pk=upload.pk, received_at=None).update(size=0)


def _awaiting(upload: Upload) -> JobQuerySet:
    return Job.objects.of([upload]).filter(status=Job.Status.AWAITING_UPLOAD)


def _end_awaited(upload: Upload, message: Message) -> None:
    _release(upload)
    fail(_awaiting(upload).filter(images=1), message)
    fail(_awaiting(upload).filter(images__gt=1), bad_image(upload, message))


def bad_image(upload: Upload, reason: Message) -> Message:
    """Return the message that one image prevents a document."""
    return Message("bad_image", {"name": upload.name, "upload": str(upload.pk), "reason": reason})
