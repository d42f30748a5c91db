"""The acts: submit, receive, run, retry, cancel, expire. The only writer of job state.

    awaiting_upload ──receive──> queued ──run──> processing ──> finished ──expire──> expired
           │                       │                 │  └─────> failed ──retry──> queued
           └───────────────────────┴──────cancel─────┴────────> cancelled ──retry──> queued

Every act may be repeated and raced. A state changes by one conditional UPDATE whose count says who won; a worker
holds a lease and writes only while it still does. The sweep ends or asks again for whatever waits too long.
"""

from __future__ import annotations

import csv
import hashlib
import io
import logging
import tempfile
import unicodedata
import uuid
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import PurePosixPath
from typing import Any

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.db import DatabaseError, transaction
from django.db.models import F, Q, QuerySet, Sum
from django.utils import timezone
from django.utils.text import get_valid_filename

from converter import dispatch, engine, metadata, metrics, outbound, storage, webhooks
from converter.models import Batch, Delivery, Job, Quota, Upload
from converter.sandbox import Probed, Refused, Rendered, Sandbox
from converter.storage import StorageFault, Stored, UploadForm

logger = logging.getLogger(__name__)

FORM_LIFETIME = timedelta(minutes=5)
LINK_LIFETIME = timedelta(minutes=5)
UPLOAD_DEADLINE = timedelta(hours=1)
QUEUE_DEADLINE = timedelta(hours=6)
LEASE = timedelta(minutes=3)
FETCH_SECONDS = 60
ASK_AGAIN = timedelta(minutes=5)
LOST_EVENT = timedelta(minutes=2)  # after which an upload that raised no event is looked for
MAX_ATTEMPTS = 3
SWEEP_SIZE = 500

THUMBNAIL = engine.Recipe.parse(
    {
        "format": "jpeg",  # the quickest to make
        "quality": 75,
        "background": "#eeeeee",
        "frames": "first",
        "resize": {"mode": "fit", "width": 320, "height": 320},
    }
)
PREVIEW_SIDE = 2000

_sandbox = Sandbox()


class Refusal(Exception):
    """An act that is not possible.

    Refusal
    ├── InvalidSubmission   what was sent makes no sense; `errors` says where
    │   └── OverQuota       it makes sense, but is more than this user may use
    ├── Conflict            not in this state
    └── Gone                it was there, and has expired
    """

    code = "refused"

    def __init__(self, message: str, *, code: str = "") -> None:
        super().__init__(message)
        self.code = code or self.code


class InvalidSubmission(Refusal):
    code = "invalid_submission"

    def __init__(self, message: str, *, code: str = "", errors: Sequence[dict[str, str]] = ()) -> None:
        super().__init__(message, code=code)
        self.errors = list(errors)


class OverQuota(InvalidSubmission):
    code = "quota_exceeded"


class Conflict(Refusal):
    code = "conflict"


class Gone(Refusal):
    code = "expired"


@dataclass(frozen=True)
class NewFile:
    """A file that somebody is about to send, or that is fetched from `url`; size in bytes, 0 where not known yet."""

    name: str
    size: int
    url: str = ""


def limits() -> engine.Limits:
    return engine.Limits(**settings.CONVERTER_LIMITS)


# --- Submit ------------------------------------------------------------------------------------------------


def submit(
    owner: AbstractBaseUser,
    *,
    outputs: Sequence[engine.Recipe],
    files: Sequence[NewFile] = (),
    uploads: Sequence[Upload] = (),
) -> Batch:
    """Make one job for each image and output. New files are awaited; uploads that are here are queued at once."""
    _check_submission(owner, outputs, files, uploads)
    now = timezone.now()
    expires_at = now + settings.CONVERTER_RETENTION
    batch = Batch(
        owner_id=owner.pk,
        outputs=[output.canonical() for output in outputs],
        created_at=now,
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
        batch.save(force_insert=True)
        Upload.objects.bulk_create(fresh)
        Upload.objects.filter(pk__in=[u.pk for u in uploads]).update(expires_at=expires_at)
        Job.objects.bulk_create(rows)
        for upload in uploads:
            _ask_to_convert(upload.pk)
        for upload in fresh:
            if upload.source_url:
                _ask("fetch", upload=upload.pk)
    logger.info("Batch submitted", extra={"batch": str(batch.pk), "jobs": len(rows)})
    metrics.emit(Submitted=len(rows))
    return batch


def keep_image(owner: AbstractBaseUser, file: NewFile) -> Upload:
    """Return a new upload that no job waits for: an image to be used in recipes, such as a watermark."""
    _check_files([file])
    _check_quota(owner, jobs=0, size=file.size)
    now = timezone.now()
    upload = _new_upload(owner, file, now, now + settings.CONVERTER_RETENTION)
    upload.save(force_insert=True)
    return upload


def upload_form(upload: Upload) -> UploadForm:
    """Return the form by which the bytes are sent; a new one may be had for as long as they are awaited."""
    if upload.received_at:
        raise Conflict("This file is already here.", code="already_uploaded")
    if upload.source_url:
        raise Conflict("This file is fetched from its address; it cannot be sent.", code="already_uploaded")
    if upload.expires_at <= timezone.now():
        raise Gone("This upload has expired. Submit the file again.")
    return storage.uploads.upload_form(upload.key, max_size=upload.size, lifetime=FORM_LIFETIME)


def _new_upload(owner: AbstractBaseUser, file: NewFile, now: datetime, expires_at: datetime) -> Upload:
    pk = uuid.uuid4()
    name = clean_name(file.name)
    return Upload(
        pk=pk,
        owner_id=owner.pk,
        name=name,
        key=f"uploads/{owner.pk}/{pk}/{_safe_name(name)}",
        source_url=file.url,
        size=file.size,
        created_at=now,
        expires_at=expires_at,
    )


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
        if (name := _watermark_of(output)) and not _image_upload(owner.pk, name):
            raise InvalidSubmission(
                "The watermark image is not here. Send it first, then use its upload id.",
                code="no_watermark",
                errors=[{"pointer": f"/outputs/{index}/watermark/image", "detail": "Not here."}],
            )
    _check_quota(owner, jobs=count * len(outputs), size=sum(file.size for file in files))


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


def _check_quota(owner: AbstractBaseUser, *, jobs: int, size: int) -> None:
    now = timezone.now()
    quota = Quota.objects.filter(owner=owner.pk).first() or Quota()
    most_jobs = settings.CONVERTER_JOBS_A_DAY if quota.jobs_a_day is None else quota.jobs_a_day
    most_bytes = settings.CONVERTER_BYTES_KEPT if quota.bytes_kept is None else quota.bytes_kept
    if jobs and most_jobs:
        today = Job.objects.filter(owner=owner.pk, created_at__gt=now - timedelta(days=1)).count()
        if today + jobs > most_jobs:
            raise OverQuota(
                f"These would be {jobs} more conversions; you may have {most_jobs} in 24 hours and had {today}. "
                "Try again later, or with fewer."
            )
    if size and most_bytes:
        uploads = Upload.objects.filter(owner=owner.pk, deleted_at=None).aggregate(n=Sum("size"))["n"] or 0
        finished = Job.objects.filter(owner=owner.pk, status=Job.Status.FINISHED)
        results = finished.aggregate(n=Sum("result_size"))["n"] or 0
        if uploads + results + size > most_bytes:
            raise OverQuota(
                f"Your files would take more than the {most_bytes // 10**6} MB you may keep here. "
                "Delete a batch that you do not need, or wait until one expires."
            )


def file_problem(file: NewFile, most: int | None = None) -> str:
    """Return why a file of that size is not taken, or nothing."""
    most = most or limits().max_bytes
    name = clean_name(file.name)
    if file.size <= 0:
        return f"{name} is empty."
    if file.size > most:
        return f"{name} is larger than the {most // 10**6} MB that one file may have."
    return ""


def clean_name(name: str) -> str:
    """Return a file's name as shown to people: no path, no control or direction marks, at most 255 characters."""
    name = unicodedata.normalize("NFC", name).replace("\\", "/").rsplit("/", 1)[-1]
    name = "".join(c for c in name if unicodedata.category(c)[0] != "C").strip(" .")
    stem, suffix = PurePosixPath(name).stem, PurePosixPath(name).suffix[:20]
    return (stem[: 255 - len(suffix)] + suffix) or "image"


def _safe_name(name: str) -> str:
    """Return the name as the last part of a key: at most 100 bytes, nothing that a shell or URL would trip over."""
    suffix = PurePosixPath(name).suffix
    stem = PurePosixPath(name).stem.encode()[: 100 - len(suffix.encode())].decode(errors="ignore")
    return get_valid_filename(f"{stem or 'image'}{suffix}")


# --- Receive -----------------------------------------------------------------------------------------------


def receive(key: str, stored: Stored) -> Upload | None:
    """Note that the bytes of an upload are here and queue its jobs; None for a key that is not ours.

    The first bytes to come are the upload. Others that replace them are noticed when they are read.
    """
    now = timezone.now()
    upload = Upload.objects.filter(key=key).first()
    if upload is None:
        logger.warning("An object came that nobody awaits", extra={"key": key})
        return None
    first = Upload.objects.filter(pk=upload.pk, received_at=None).update(
        received_at=now, etag=stored.etag, size=stored.size
    )
    Job.objects.filter(upload=upload, status=Job.Status.AWAITING_UPLOAD).update(
        status=Job.Status.QUEUED, queued_at=now, asked_at=now
    )
    if first:
        upload.refresh_from_db()
    elif upload.etag != stored.etag:
        logger.warning("An upload was sent again with other bytes", extra={"upload": str(upload.pk)})
    return upload


def fetch(upload_id: uuid.UUID) -> None:
    """Bring the bytes of an upload from its address; the event that follows takes them in.

    What cannot be had ends the jobs that wait for it as failed.
    """
    upload = Upload.objects.filter(pk=upload_id, received_at=None).exclude(source_url="").first()
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
    except outbound.Unreachable as exc:
        _end_awaited(upload, "fetch_failed", f"The file could not be fetched. {exc}")
        return
    if answer.status != 200:
        _end_awaited(
            upload, "fetch_failed", f"The file could not be fetched: the address answered {answer.status}."
        )
    elif not answer.body:
        _end_awaited(upload, "empty_file", "The file that was fetched is empty.")
    else:
        storage.uploads.put(
            upload.key, io.BytesIO(answer.body), filename=upload.name, content_type="application/octet-stream"
        )


def _end_awaited(upload: Upload, code: str, message: str) -> None:
    _end(Job.objects.filter(upload=upload, status=Job.Status.AWAITING_UPLOAD), code, message)


# --- Run ---------------------------------------------------------------------------------------------------


def run(upload_id: uuid.UUID) -> int:
    """Convert one upload to all outputs that wait for it, decoding it once; return how many were claimed.

    What is wrong with the image ends its jobs as failed. A passing fault (store, database) puts back what is not
    done and raises.
    """
    jobs = _claim(upload_id)
    if not jobs:
        logger.info("Nothing to run: a duplicate", extra={"upload": str(upload_id)})
        metrics.emit(Duplicates=1)
        return 0
    try:
        _run(jobs)
    except (StorageFault, DatabaseError):
        _put_back(jobs)
        raise
    return len(jobs)


def _claim(upload_id: uuid.UUID) -> list[Job]:
    now = timezone.now()
    lease = uuid.uuid4()
    claimed = (
        Job.objects.claimable(now)
        .filter(upload=upload_id, attempts__lt=MAX_ATTEMPTS)
        .update(
            status=Job.Status.PROCESSING,
            lease=lease,
            lease_until=now + LEASE,
            attempts=F("attempts") + 1,
            started_at=now,
        )
    )
    if not claimed:
        return []
    return list(Job.objects.filter(lease=lease).select_related("upload").order_by("position"))


def _run(jobs: list[Job]) -> None:
    upload = jobs[0].upload
    try:
        data, stored = storage.uploads.read(upload.key)
    except FileNotFoundError:
        _fail_all(jobs, "no_upload", "The uploaded file is no longer here. Send it again.")
        return
    if stored.etag != upload.etag:
        _fail_all(
            jobs, "upload_replaced", "The file was replaced by another one after it came. Send it again."
        )
        return

    ready, images = [], {}
    for job in jobs:
        name = _watermark_of(job.parsed_recipe)
        if name and name not in images:
            image = _image_upload(upload.owner_id, name)
            if image is None:
                _fail(job, "no_watermark", "The watermark image is no longer here. Choose it again.")
                continue
            images[name], _ = storage.uploads.read(image.key)
        ready.append(job)
    if not ready:
        return

    recipes = [job.parsed_recipe for job in ready]
    extra = [] if upload.thumbnail_key else [THUMBNAIL]
    renewed = timezone.now()
    for answer in _sandbox.render(data, [*extra, *recipes], limits(), images):
        if isinstance(answer, Probed):
            _note_facts(upload, answer.facts)
        elif answer.index < len(extra):
            _keep_thumbnail(upload, answer)
        else:
            job = ready[answer.index - len(extra)]
            if isinstance(answer, Refused):
                _fail(job, answer.code, answer.message)
            else:
                _finish(job, answer)
        if timezone.now() - renewed > LEASE / 6:
            renewed = timezone.now()
            _held(ready).update(lease_until=renewed + LEASE)
    _note_outputs(upload)


def _held(jobs: Sequence[Job]) -> Any:
    """Return those of the jobs that are still ours."""
    return Job.objects.filter(lease=jobs[0].lease, status=Job.Status.PROCESSING)


def _note_facts(upload: Upload, facts: dict[str, Any]) -> None:
    if upload.format:
        return
    # The row last: where the store does not take it, the next attempt does all of this again.
    item = {"owner": str(upload.owner_id), "name": upload.name, **facts, "outputs": []}
    metadata.store().put(upload.pk, item, expires_at=upload.expires_at)
    Upload.objects.filter(pk=upload.pk).update(
        format=facts["format"],
        width=facts["width"],
        height=facts["height"],
        frames=facts["frames"],
        mode=facts["mode"],
        profile=(facts["profile"] or "")[:120],
    )


def _note_outputs(upload: Upload) -> None:
    finished = Job.objects.filter(upload=upload, status=Job.Status.FINISHED).order_by("finished_at", "pk")
    outputs = [
        {
            "job": str(job.pk),
            "format": job.result_format,
            "width": job.result_width,
            "height": job.result_height,
            "size": job.result_size,
        }
        for job in finished
    ]
    if outputs:
        metadata.store().update(upload.pk, {"outputs": outputs}, expires_at=upload.expires_at)


def _keep_thumbnail(upload: Upload, answer: Rendered | Refused) -> None:
    if isinstance(answer, Refused):
        return  # the jobs themselves say what is wrong with the image
    key = f"{upload.results_prefix}/thumbnail"
    storage.results.put(key, io.BytesIO(answer.data), filename="thumbnail.jpg", content_type=answer.mime)
    Upload.objects.filter(pk=upload.pk).update(thumbnail_key=key)
    if labels := metadata.labels_of(answer.data):
        metadata.store().update(upload.pk, labels, expires_at=upload.expires_at)


def _finish(job: Job, answer: Rendered) -> None:
    extension = engine.FORMATS[answer.format].extension
    storage.results.put(
        job.result_key,
        io.BytesIO(answer.data),
        filename=f"{job.upload.stem}.{extension}",
        content_type=answer.mime,
    )
    with transaction.atomic():
        ours = (
            _held([job])
            .filter(pk=job.pk)
            .update(
                status=Job.Status.FINISHED,
                lease=None,
                lease_until=None,
                error_code="",
                error_message="",
                finished_at=timezone.now(),
                milliseconds=answer.milliseconds,
                result_size=len(answer.data),
                result_format=answer.format,
                result_width=answer.width,
                result_height=answer.height,
                report=answer.report,
                versions=answer.report.get("engine"),
            )
        )
        if ours:
            _tell_of_job(job)
    facts = {"job": str(job.pk), "format": answer.format, "milliseconds": answer.milliseconds}
    if ours:
        before, after = job.upload.size, len(answer.data)
        logger.info("Job finished", extra={**facts, "before": before, "after": after})
        metrics.emit(
            {"format": answer.format},
            Finished=1,
            Milliseconds=answer.milliseconds,
            BytesIn=before,
            BytesOut=after,
        )
        _tell_of_batch(job.batch_id, job.owner_id)
        return
    logger.info("Job was no longer ours", extra=facts)
    if not Job.objects.filter(pk=job.pk, status__in=[*Job.UNFINISHED, Job.Status.FINISHED]).exists():
        storage.results.remove([job.result_key])  # cancelled or deleted meanwhile


def _fail(job: Job, code: str, message: str) -> None:
    if _end(_held([job]).filter(pk=job.pk), code, message):
        logger.info("Job failed", extra={"job": str(job.pk), "code": code})
        metrics.emit({"code": code}, Failed=1)


def _fail_all(jobs: Sequence[Job], code: str, message: str) -> None:
    for job in jobs:
        _fail(job, code, message)


def _end(jobs: QuerySet[Job], code: str, message: str) -> int:
    """End those of the jobs as failed that still are as they are asked for; return how many, and tell of them."""
    ended = []
    for job in jobs.only("pk", "batch_id", "owner_id")[:SWEEP_SIZE]:
        with transaction.atomic():
            if jobs.filter(pk=job.pk).update(**_failure(code, message)):
                _tell_of_job(job)
                ended.append(job)
    for batch_id, owner_id in {(job.batch_id, job.owner_id) for job in ended}:
        _tell_of_batch(batch_id, owner_id)
    return len(ended)


def _failure(code: str, message: str) -> dict[str, Any]:
    return {
        "status": Job.Status.FAILED,
        "lease": None,
        "lease_until": None,
        "error_code": code,
        "error_message": message[:500],
        "finished_at": timezone.now(),
    }


def _put_back(jobs: Sequence[Job]) -> None:
    try:
        _held(jobs).update(status=Job.Status.QUEUED, lease=None, lease_until=None)
    except DatabaseError:
        logger.exception("Could not put jobs back; their lease will end")


def _watermark_of(recipe: engine.Recipe) -> str:
    """Return the upload id of the image that the recipe puts on top, or nothing."""
    return (recipe.watermark.image if recipe.watermark else None) or ""


def _image_upload(owner_id: uuid.UUID, name: str) -> Upload | None:
    try:
        pk = uuid.UUID(name)
    except ValueError:
        return None
    upload = Upload.objects.filter(pk=pk, owner=owner_id).first()
    return upload if upload and upload.is_here else None


# --- Retry, cancel -----------------------------------------------------------------------------------------


def retry(job: Job) -> None:
    """Queue a failed or cancelled job again."""
    if not job.upload.is_here:
        raise Conflict(
            "The uploaded file is not here, so there is nothing to retry. Send it again.", code="no_upload"
        )
    now = timezone.now()
    queued = Job.objects.filter(pk=job.pk, status__in=[Job.Status.FAILED, Job.Status.CANCELLED]).update(
        status=Job.Status.QUEUED,
        attempts=0,
        error_code="",
        error_message="",
        queued_at=now,
        asked_at=now,
        started_at=None,
        finished_at=None,
    )
    job.refresh_from_db()
    if not queued:
        raise Conflict(f"Only a failed or cancelled job can be retried; this one is {job.status}.")
    _ask_to_convert(job.upload_id)


def cancel(job: Job) -> None:
    """Stop a job that is not done. What a worker has in hand is thrown away when it is ready."""
    cancelled = Job.objects.filter(pk=job.pk, status__in=Job.UNFINISHED).update(
        status=Job.Status.CANCELLED, lease=None, lease_until=None, finished_at=timezone.now()
    )
    job.refresh_from_db()
    if not cancelled:
        raise Conflict(f"Only a job that is not done can be cancelled; this one is {job.status}.")
    _tell_of_batch(job.batch_id, job.owner_id)


def cancel_batch(batch: Batch) -> int:
    """Cancel what is not done yet and return how many; finished jobs stay."""
    cancelled = batch.jobs.filter(status__in=Job.UNFINISHED).update(
        status=Job.Status.CANCELLED, lease=None, lease_until=None, finished_at=timezone.now()
    )
    if cancelled:
        _tell_of_batch(batch.pk, batch.owner_id)
    return cancelled


def retry_batch(batch: Batch) -> int:
    """Queue again what failed or was cancelled, where the file is here; return how many."""
    jobs = [
        job
        for job in batch.jobs.filter(status__in=[Job.Status.FAILED, Job.Status.CANCELLED]).select_related(
            "upload"
        )
        if job.can_retry
    ]
    for job in jobs:
        retry(job)
    return len(jobs)


# --- Links, previews, ZIP: made by the worker, handed out as links ------------------------------------------


def thumbnail_url(upload: Upload) -> str | None:
    if not upload.thumbnail_key or upload.deleted_at:
        return None
    return storage.results.download_url(
        upload.thumbnail_key, filename="thumbnail.jpg", content_type="image/jpeg", lifetime=LINK_LIFETIME
    )


def result_url(job: Job) -> str:
    """Return a link to the result that works for some minutes."""
    if job.status == Job.Status.EXPIRED:
        raise Gone("This result has expired and was deleted.")
    if not job.has_result:
        raise Conflict(f"There is no result: the job is {job.status}.", code="no_result")
    return storage.results.download_url(
        job.result_key,
        filename=job.result_name,
        content_type=engine.FORMATS[job.result_format].mime,
        lifetime=LINK_LIFETIME,
    )


def preview_urls(job: Job) -> tuple[str, str] | None:
    """Return links to pictures of before and after that any browser shows; None while they are being made."""
    if not job.has_result or not job.upload.is_here:
        return None
    if not job.previewed_at:
        now = timezone.now()
        due = Q(preview_asked_at=None) | Q(preview_asked_at__lt=now - timedelta(minutes=1))
        if Job.objects.filter(due, pk=job.pk).update(preview_asked_at=now):
            _ask("preview", job=job.pk)
        return None

    def link(key: str) -> str:
        return storage.results.download_url(
            key, filename="preview.webp", content_type="image/webp", lifetime=LINK_LIFETIME
        )

    after = result_url(job) if engine.FORMATS[job.result_format].shows_in_browser else link(job.after_key)
    return link(job.before_key), after


def make_preview(job_id: uuid.UUID) -> None:
    """Store a picture of the source as the result is cut, and one of the result where browsers do not show it."""
    job = Job.objects.select_related("upload").filter(pk=job_id, status=Job.Status.FINISHED).first()
    if job is None or job.previewed_at or not job.upload.is_here:
        return
    data, _ = storage.uploads.read(job.upload.key)
    keys, recipes = [job.before_key], [_preview_recipe(job, watermark=False)]
    if not engine.FORMATS[job.result_format].shows_in_browser:
        keys.append(job.after_key)
        recipes.append(_preview_recipe(job, watermark=True))
    images = {}
    name = _watermark_of(job.parsed_recipe)
    if name and (image := _image_upload(job.owner_id, name)):
        images[name], _ = storage.uploads.read(image.key)
    made = 0
    for answer in _sandbox.render(data, recipes, limits(), images):
        if isinstance(answer, Rendered):
            storage.results.put(
                keys[answer.index], io.BytesIO(answer.data), filename="preview.webp", content_type=answer.mime
            )
            made += 1
        elif isinstance(answer, Refused):
            logger.warning("No preview", extra={"job": str(job.pk), "code": answer.code})
    if made == len(keys):
        Job.objects.filter(pk=job.pk).update(previewed_at=timezone.now())


def _preview_recipe(job: Job, *, watermark: bool) -> engine.Recipe:
    """Return the job's own geometry as a WebP of screen size."""
    canonical = job.parsed_recipe.canonical()
    shape = ["crop", "rotate", "flip", "background", *(["watermark"] if watermark else [])]
    recipe = {key: canonical[key] for key in shape if key in canonical}
    width, height = job.result_width or 1, job.result_height or 1
    scale = min(1, PREVIEW_SIDE / max(width, height))
    # The result's own shape, so that the two lie on each other; "pad" and "fill" keep their meaning.
    resize = canonical.get("resize", {})
    mode = resize.get("mode", "fit")
    recipe["resize"] = {
        **{key: resize[key] for key in ("gravity",) if key in resize},
        "mode": mode if mode in ("fill", "pad") else "stretch",
        "width": max(1, round(width * scale)),
        "height": max(1, round(height * scale)),
        "enlarge": True,
    }
    return engine.Recipe.parse({**recipe, "format": "webp", "quality": 90, "frames": "first"})


def zip_url(batch: Batch) -> str | None:
    """Return a link to the ZIP of all finished results; None while the worker makes it."""
    if batch.is_expired:
        raise Gone("These results have expired and were deleted.")
    finished = list(batch.jobs.filter(status=Job.Status.FINISHED).values_list("pk", flat=True))
    if not finished:
        raise Conflict("No result is finished yet.", code="no_result")
    key = _zip_key(batch, finished)
    if batch.zip_key == key:
        return storage.results.download_url(
            key, filename=zip_name(batch), content_type="application/zip", lifetime=LINK_LIFETIME
        )
    now = timezone.now()
    due = Q(zip_asked_at=None) | Q(zip_asked_at__lt=now - timedelta(minutes=1)) | ~Q(zip_key="")
    if Batch.objects.filter(due, pk=batch.pk).update(zip_asked_at=now, zip_key=""):
        _ask("zip_batch", batch=batch.pk)
    return None


def zip_name(batch: Batch) -> str:
    return f"images-{batch.created_at:%Y-%m-%d}-{str(batch.pk)[:4]}.zip"


def make_zip(batch_id: uuid.UUID) -> None:
    """Store the ZIP of what is finished now, with a manifest of all jobs."""
    batch = Batch.objects.filter(pk=batch_id, expired_at=None).first()
    if batch is None:
        return
    jobs = list(batch.jobs.select_related("upload").order_by("position"))
    finished = [job for job in jobs if job.has_result]
    if not finished:
        return
    key = _zip_key(batch, [job.pk for job in finished])
    if batch.zip_key == key:
        return
    with tempfile.TemporaryFile() as file:
        with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
            names = dict(
                zip((job.pk for job in finished), _unique(job.result_name for job in finished), strict=True)
            )
            for job in finished:
                data, _ = storage.results.read(job.result_key)
                archive.writestr(names[job.pk], data)
            archive.writestr("manifest.csv", _manifest(jobs, names))
        file.seek(0)
        storage.results.put(key, file, filename=zip_name(batch), content_type="application/zip")
    Batch.objects.filter(pk=batch.pk).update(zip_key=key)


def _zip_key(batch: Batch, finished: Iterable[uuid.UUID]) -> str:
    contents = hashlib.sha256("".join(sorted(map(str, finished))).encode()).hexdigest()[:16]
    return f"results/{batch.owner_id}/batches/{batch.pk}/{contents}.zip"


def _unique(names: Iterable[str]) -> Iterator[str]:
    """Yield the names, those seen before (letter case aside) with a number."""
    seen: set[str] = set()
    for name in names:
        stem, suffix = PurePosixPath(name).stem, PurePosixPath(name).suffix
        number = 1
        while name.casefold() in seen or name.casefold() == "manifest.csv":
            number += 1
            name = f"{stem} ({number}){suffix}"
        seen.add(name.casefold())
        yield name


def _manifest(jobs: Sequence[Job], names: dict[uuid.UUID, str]) -> str:
    text = io.StringIO()
    table = csv.writer(text)
    table.writerow(["file", "source", "status", "bytes_before", "bytes_after", "width", "height", "error"])
    for job in jobs:
        table.writerow(
            [
                _plain(names.get(job.pk, "")),
                _plain(job.upload.name),
                job.status,
                job.upload.size,
                job.result_size or "",
                job.result_width or "",
                job.result_height or "",
                job.error_message,
            ]
        )
    return text.getvalue()


def _plain(cell: str) -> str:
    """Return the cell so that no spreadsheet takes it for a formula."""
    return f"'{cell}" if cell[:1] in "=+-@\t\r" else cell


# --- Expire, remove, sweep ---------------------------------------------------------------------------------


def expire(batch: Batch) -> None:
    """Delete the bytes of a batch now; its rows stay as facts."""
    jobs = list(batch.jobs.select_related("upload"))
    cancel_batch(batch)
    storage.results.remove(_result_keys(batch, jobs))
    now = timezone.now()
    batch.jobs.filter(status=Job.Status.FINISHED).update(status=Job.Status.EXPIRED, previewed_at=None)
    Batch.objects.filter(pk=batch.pk).update(
        expired_at=now, zip_key="", expires_at=min(now, batch.expires_at)
    )
    _drop_uploads({job.upload for job in jobs}, keep_for=Q(expires_at__gt=now), but=batch)


def remove(batch: Batch) -> None:
    """Delete a batch: bytes first, then rows, so that a repeat finds what a crash left."""
    jobs = list(batch.jobs.select_related("upload"))
    cancel_batch(batch)
    storage.results.remove(_result_keys(batch, jobs))
    uploads = {job.upload for job in jobs}
    _drop_uploads(uploads, keep_for=Q(), but=batch)
    batch.delete()
    Upload.objects.filter(pk__in=[u.pk for u in uploads], jobs=None, deleted_at__isnull=False).delete()


def _result_keys(batch: Batch, jobs: Iterable[Job]) -> list[str]:
    keys = [key for job in jobs for key in (job.result_key, job.before_key, job.after_key)]
    return [*keys, batch.zip_key] if batch.zip_key else keys


def _drop_uploads(uploads: Iterable[Upload], *, keep_for: Q, but: Batch) -> None:
    """Delete the bytes of uploads that no other batch (such as `keep_for` describes) still uses."""
    ids = [upload.pk for upload in uploads]
    used = Batch.objects.filter(keep_for, jobs__upload__in=ids).exclude(pk=but.pk)
    shared = set(used.values_list("jobs__upload", flat=True))
    _delete_bytes([upload for upload in uploads if upload.pk not in shared])


def _delete_bytes(uploads: Sequence[Upload]) -> None:
    storage.uploads.remove(upload.key for upload in uploads)
    storage.results.remove(upload.thumbnail_key for upload in uploads if upload.thumbnail_key)
    for upload in uploads:
        metadata.store().remove(upload.pk)
    Upload.objects.filter(pk__in=[upload.pk for upload in uploads]).update(
        deleted_at=timezone.now(), thumbnail_key=""
    )


def sweep() -> dict[str, int]:
    """End what waited too long and ask again for what was forgotten; return how many of each.

    Its cost depends on what is not done, not on history.
    """
    now = timezone.now()
    return {
        "found": _find_lost_uploads(now),
        "failed": _end_overdue(now),
        "asked": _ask_for_waiting(now),
        "expired": _expire_due(now),
        "told": _tell_again(now),
    }


def recover() -> None:
    """Take up what was left behind: for a server that starts and knows that no worker of its own is alive."""
    now = timezone.now()
    Job.objects.filter(status=Job.Status.PROCESSING).update(
        status=Job.Status.QUEUED, lease=None, lease_until=None
    )
    Job.objects.unfinished().update(asked_at=None)  # those who were asked are gone
    _find_lost_uploads(now, older_than=timedelta(0))
    _ask_for_waiting(now)


def _find_lost_uploads(now: datetime, older_than: timedelta = LOST_EVENT) -> int:
    """Receive uploads that are here although no event said so."""
    waiting = Job.objects.filter(
        Q(asked_at=None) | Q(asked_at__lt=now - ASK_AGAIN),
        status=Job.Status.AWAITING_UPLOAD,
        created_at__lt=now - older_than,
    )
    found = 0
    uploads = Upload.objects.filter(pk__in=waiting.values("upload"))[:SWEEP_SIZE]
    for upload in uploads:
        Job.objects.filter(upload=upload, status=Job.Status.AWAITING_UPLOAD).update(asked_at=now)
        try:
            stored = storage.uploads.stat(upload.key)
        except FileNotFoundError:
            if upload.source_url:
                _ask("fetch", upload=upload.pk)
            continue
        if receive(upload.key, stored):
            _ask_to_convert(upload.pk)
            found += 1
    return found


def _end_overdue(now: datetime) -> int:
    overdue = [
        (
            Q(status=Job.Status.AWAITING_UPLOAD, created_at__lt=now - UPLOAD_DEADLINE),
            "upload_timed_out",
            "The file never came. Send it again.",
        ),
        (
            Q(status=Job.Status.QUEUED, queued_at__lt=now - QUEUE_DEADLINE),
            "queue_timed_out",
            "No worker was free for too long. Try again.",
        ),
        (
            Q(status=Job.Status.PROCESSING, lease_until__lt=now, attempts__gte=MAX_ATTEMPTS),
            "gave_up",
            f"The conversion broke off {MAX_ATTEMPTS} times. The image may be damaged; try it again or save it anew.",
        ),
    ]
    return sum(_end(Job.objects.filter(due), code, text) for due, code, text in overdue)


def _ask_for_waiting(now: datetime) -> int:
    Job.objects.filter(status=Job.Status.PROCESSING, lease_until__lt=now).update(
        status=Job.Status.QUEUED, lease=None, lease_until=None, asked_at=None
    )
    forgotten = Job.objects.filter(
        Q(asked_at=None) | Q(asked_at__lt=now - ASK_AGAIN), status=Job.Status.QUEUED
    ).order_by("created_at")
    uploads = list(dict.fromkeys(forgotten.values_list("upload_id", flat=True)[:SWEEP_SIZE]))
    Job.objects.filter(upload__in=uploads, status=Job.Status.QUEUED).update(asked_at=now)
    for upload_id in uploads:
        _ask_to_convert(upload_id)
    return len(uploads)


def _expire_due(now: datetime) -> int:
    batches = Batch.objects.filter(expires_at__lte=now, expired_at=None).order_by("expires_at")[:SWEEP_SIZE]
    for batch in batches:
        expire(batch)
    lone = Upload.objects.filter(expires_at__lte=now, deleted_at=None).order_by("expires_at")[:SWEEP_SIZE]
    _delete_bytes(list(lone))
    return len(batches)


def _tell_again(now: datetime) -> int:
    webhooks.forget_old(now)
    due = webhooks.due(now)
    for delivery_id in due:
        _ask("deliver", delivery=delivery_id)
    return len(due)


# --- Asking a worker ---------------------------------------------------------------------------------------


def _ask_to_convert(upload_id: uuid.UUID) -> None:
    _ask("convert", upload=upload_id)


def send_to_webhook(delivery: Delivery) -> None:
    """Send a message now, whatever became of it before."""
    webhooks.send_again(delivery)
    _ask("deliver", delivery=delivery.pk)


def _tell_of_job(job: Job) -> None:
    for delivery_id in webhooks.note_job(job.pk, job.owner_id):
        _ask("deliver", delivery=delivery_id)


def _tell_of_batch(batch_id: uuid.UUID, owner_id: uuid.UUID) -> None:
    for delivery_id in webhooks.note_batch(batch_id, owner_id):
        _ask("deliver", delivery=delivery_id)


def _ask(act: str, **ids: uuid.UUID) -> None:
    event = {name: str(pk) for name, pk in ids.items()}
    transaction.on_commit(lambda: dispatch.ask(f"converter.events.dispatched.{act}", event))
