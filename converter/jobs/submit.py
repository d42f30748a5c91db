"""Submit: rows for what somebody asks for, and the forms by which files are sent."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.base_user import AbstractBaseUser
from django.db import transaction
from django.db.models import F, Sum
from django.utils import timezone

from converter import engine, metrics, storage
from converter.engine import Message, Problem
from converter.jobs.errors import Conflict, Gone, InvalidSubmission, OverQuota
from converter.jobs.filenames import clean_name, safe_name
from converter.jobs.sources import has_watermark, limits, watermark_of
from converter.jobs.tasks import enqueue, enqueue_conversion
from converter.models import Batch, Job, Logo, Preferences, Quota, Upload, Usage
from converter.storage import UploadForm

logger = logging.getLogger(__name__)

FORM_LIFETIME = timedelta(minutes=5)
UNKEPT_LIFETIME = timedelta(minutes=10)


@dataclass(frozen=True)
class NewFile:
    """A file that somebody is about to send, or that is fetched from `url`; size in bytes, 0 where not known yet."""

    name: str
    size: int
    url: str = ""


def submit(
    owner: AbstractBaseUser,
    *,
    outputs: Sequence[engine.Recipe],
    files: Sequence[NewFile] = (),
    uploads: Sequence[Upload] = (),
    kept: bool = True,
) -> Batch:
    """Make one job for each image and output. New files are awaited; uploads that are here are queued at once.

    Who asks for what is not to be kept removes it; what a crash leaves of it expires soon.
    """
    _check_submission(owner, outputs, files, uploads)
    now = timezone.now()
    expires_at = now + (Preferences.of(owner).kept_for if kept else UNKEPT_LIFETIME)
    batch = Batch(
        owner_id=owner.pk,
        outputs=[output.canonical() for output in outputs],
        created_at=now,
        kept=kept,
        expires_at=expires_at,
    )
    fresh = [_new_upload(owner, file, now, expires_at) for file in files]
    sources = [*fresh, *uploads]
    rows = [
        Job(
            batch=batch,
            upload=upload,
            owner_id=owner.pk,
            position=position,
            recipe=output.canonical(),
            recipe_hash=output.hash,
            output_format=output.format,
            created_at=now,
            status=Job.Status.QUEUED if upload.received_at else Job.Status.AWAITING_UPLOAD,
            queued_at=now if upload.received_at else None,
            asked_at=now if upload.received_at else None,
        )
        for position, (upload, output) in enumerate((u, o) for u in sources for o in outputs)
    ]
    with transaction.atomic():
        check_quota(owner, jobs=len(rows), size=sum(file.size for file in files))
        Usage.objects.note(owner.pk, now, len(rows))
        batch.save(force_insert=True)
        Upload.objects.bulk_create(fresh)
        if uploads and kept:
            _keep_longer(uploads, expires_at)
        Job.objects.bulk_create(rows)
        for upload in uploads:
            enqueue_conversion(upload.pk)
        for upload in fresh:
            if upload.source_url:
                enqueue("fetch", upload=upload.pk)
    logger.info("Batch submitted", extra={"batch": str(batch.pk), "jobs": len(rows)})
    metrics.emit(Submitted=len(rows))
    return batch


def keep_image(owner: AbstractBaseUser, file: NewFile) -> Upload:
    """Return a new upload that no job waits for: an image to be used in recipes, such as a watermark."""
    _check_files([file])
    now = timezone.now()
    upload = _new_upload(owner, file, now, now + Preferences.of(owner).kept_for)
    with transaction.atomic():
        check_quota(owner, jobs=0, size=file.size)
        upload.save(force_insert=True)
    return upload


def upload_form(upload: Upload) -> UploadForm:
    """Return the form by which the bytes are sent; a new one may be had for as long as they are awaited."""
    if upload.is_gone:
        raise Gone(kind="upload")
    if upload.received_at:
        raise Conflict("already_uploaded")
    if upload.source_url:
        raise Conflict("already_uploaded", kind="fetched")
    return storage.uploads.upload_form(upload.key, max_size=upload.size, lifetime=FORM_LIFETIME)


def file_problem(file: NewFile, most: int | None = None) -> Message | None:
    """Return why a file of that size is not taken, or None."""
    most = most or limits().max_bytes
    name = clean_name(file.name)
    if file.size <= 0:
        return Message("empty_file", {"kind": "named", "name": name})
    if file.size > most:
        return Message("too_many_bytes", {"kind": "named", "name": name, "most": most})
    return None


def _new_upload(owner: AbstractBaseUser, file: NewFile, now: datetime, expires_at: datetime) -> Upload:
    pk = uuid.uuid4()
    name = clean_name(file.name)
    return Upload(
        pk=pk,
        owner_id=owner.pk,
        name=name,
        key=f"uploads/{owner.pk}/{pk}/{safe_name(name)}",
        source_url=file.url,
        size=file.size,
        created_at=now,
        expires_at=expires_at,
    )


def _keep_longer(uploads: Sequence[Upload], until: datetime) -> None:
    """Keep what is converted again as long as its new results, but never longer than a file may be kept at all.

    Buckets delete by age: what a row promised beyond that would be gone.
    """
    most = settings.CONVERTER_MAX_RETENTION
    shorter = Upload.objects.filter(pk__in=[upload.pk for upload in uploads], expires_at__lt=until)
    shorter.filter(created_at__lt=until - most).update(expires_at=F("created_at") + most)
    shorter.filter(created_at__gte=until - most).update(expires_at=until)


def _check_submission(
    owner: AbstractBaseUser,
    outputs: Sequence[engine.Recipe],
    files: Sequence[NewFile],
    uploads: Sequence[Upload],
) -> None:
    count = len(files) + len(uploads)
    if not count:
        raise InvalidSubmission("no_files")
    if not outputs:
        raise InvalidSubmission("no_outputs")
    if count > settings.CONVERTER_MAX_FILES:
        raise InvalidSubmission("too_many_files", most=settings.CONVERTER_MAX_FILES, count=count)
    if len(outputs) > settings.CONVERTER_MAX_OUTPUTS:
        raise InvalidSubmission("too_many_outputs", most=settings.CONVERTER_MAX_OUTPUTS)
    if len({output.hash for output in outputs}) < len(outputs):
        raise InvalidSubmission("same_outputs")
    _check_files(files)
    for index, upload in enumerate(uploads):
        if not upload.is_here:
            raise _refusal(f"/uploads/{index}", "no_upload", kind="named", name=upload.name)
    for index, output in enumerate(outputs):
        if (name := watermark_of(output)) and not has_watermark(owner.pk, name):
            raise _refusal(f"/outputs/{index}/watermark/image", "no_watermark", kind="not_sent")


def _check_files(files: Sequence[NewFile]) -> None:
    most = limits().max_bytes
    problems = [
        Problem(f"/files/{index}/size", problem)
        for index, file in enumerate(files)
        if not file.url and (problem := file_problem(file, most))
    ]
    if problems:
        first = problems[0].message
        raise InvalidSubmission(first.code, errors=problems, **first.params)


def _refusal(pointer: str, code: str, **params: Any) -> InvalidSubmission:
    return InvalidSubmission(code, errors=[Problem(pointer, Message(code, params))], **params)


def check_quota(owner: AbstractBaseUser, *, jobs: int, size: int) -> None:
    """Within the transaction that makes the rows. One request of an owner after the other: at once, each would find
    room for itself.
    """
    get_user_model()._default_manager.select_for_update(no_key=True).get(pk=owner.pk)
    now = timezone.now()
    quota = Quota.objects.filter(owner=owner.pk).first() or Quota()
    most_jobs = settings.CONVERTER_JOBS_A_DAY if quota.jobs_a_day is None else quota.jobs_a_day
    most_bytes = settings.CONVERTER_BYTES_KEPT if quota.bytes_kept is None else quota.bytes_kept
    if jobs and most_jobs:
        today = Usage.objects.jobs_of(owner.pk, now - timedelta(days=1))
        if today + jobs > most_jobs:
            raise OverQuota(kind="conversions", count=jobs, most=most_jobs, today=today)
    if size and most_bytes:
        uploads = Upload.objects.filter(owner=owner.pk, deleted_at=None).aggregate(n=Sum("size"))["n"] or 0
        finished = Job.objects.filter(owner=owner.pk, status=Job.Status.FINISHED)
        results = finished.aggregate(n=Sum("result_size"))["n"] or 0
        logos = Logo.objects.filter(owner=owner.pk).aggregate(n=Sum("size"))["n"] or 0
        if uploads + results + logos + size > most_bytes:
            raise OverQuota(kind="bytes", most=most_bytes)
