"""Submit: rows for what somebody asks for, and the forms by which files are sent."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.base_user import AbstractBaseUser
from django.db import transaction
from django.db.models import F, Sum
from django.utils import timezone

from converter import engine, metrics, storage
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
        raise Gone("This upload has expired. Submit the file again.")
    if upload.received_at:
        raise Conflict("This file is already here.", code="already_uploaded")
    if upload.source_url:
        raise Conflict("This file is fetched from its address; it cannot be sent.", code="already_uploaded")
    return storage.uploads.upload_form(upload.key, max_size=upload.size, lifetime=FORM_LIFETIME)


def file_problem(file: NewFile, most: int | None = None) -> str:
    """Return why a file of that size is not taken, or nothing."""
    most = most or limits().max_bytes
    name = clean_name(file.name)
    if file.size <= 0:
        return f"{name} is empty."
    if file.size > most:
        return f"{name} is larger than the {most // 10**6} MB that one file may have."
    return ""


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
        raise InvalidSubmission("Choose at least one image.", code="no_files")
    if not outputs:
        raise InvalidSubmission("Choose at least one output.", code="no_outputs")
    if count > settings.CONVERTER_MAX_FILES:
        raise InvalidSubmission(
            f"A batch takes at most {settings.CONVERTER_MAX_FILES} images; this one has {count}. Send it in parts.",
            code="too_many_files",
        )
    if len(outputs) > settings.CONVERTER_MAX_OUTPUTS:
        raise InvalidSubmission(
            f"A batch takes at most {settings.CONVERTER_MAX_OUTPUTS} outputs.", code="too_many_outputs"
        )
    if len({output.hash for output in outputs}) < len(outputs):
        raise InvalidSubmission("Two of the outputs are the same.", code="same_outputs")
    _check_files(files)
    for index, upload in enumerate(uploads):
        if not upload.is_here:
            raise InvalidSubmission(
                f"{upload.name} is no longer here. Send it again.",
                code="no_upload",
                errors=[{"pointer": f"/uploads/{index}", "detail": "Not here."}],
            )
    for index, output in enumerate(outputs):
        if (name := watermark_of(output)) and not has_watermark(owner.pk, name):
            raise InvalidSubmission(
                "The watermark image is not here. Send it first, then use its upload id.",
                code="no_watermark",
                errors=[{"pointer": f"/outputs/{index}/watermark/image", "detail": "Not here."}],
            )


def _check_files(files: Sequence[NewFile]) -> None:
    most = limits().max_bytes
    problems = [
        {"pointer": f"/files/{index}/size", "detail": problem}
        for index, file in enumerate(files)
        if not file.url and (problem := file_problem(file, most))
    ]
    if problems:
        empty = any(file.size <= 0 and not file.url for file in files)
        raise InvalidSubmission(
            problems[0]["detail"], code="empty_file" if empty else "too_many_bytes", errors=problems
        )


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
            raise OverQuota(
                f"These would be {jobs} more conversions; you may have {most_jobs} in 24 hours and had {today}. "
                "Try again later, or with fewer."
            )
    if size and most_bytes:
        uploads = Upload.objects.filter(owner=owner.pk, deleted_at=None).aggregate(n=Sum("size"))["n"] or 0
        finished = Job.objects.filter(owner=owner.pk, status=Job.Status.FINISHED)
        results = finished.aggregate(n=Sum("result_size"))["n"] or 0
        logos = Logo.objects.filter(owner=owner.pk).aggregate(n=Sum("size"))["n"] or 0
        if uploads + results + logos + size > most_bytes:
            raise OverQuota(
                f"Your files would take more than the {most_bytes // 10**6} MB you may keep here. "
                "Delete a batch that you do not need, or wait until one expires."
            )
