"""Run jobs: claim with a lease, convert in the sandbox, store, and write only while the lease is ours."""

from __future__ import annotations

import io
import logging
import time
import uuid
from collections.abc import Callable, Sequence
from typing import Any

from django.conf import settings
from django.db import DatabaseError
from django.utils import timezone

from converter import engine, metadata, metrics, storage
from converter.engine import Message
from converter.jobs.errors import OverQuota, StillRunning, hindrance_of
from converter.jobs.leases import LEASE, claim, held, put_back, renew
from converter.jobs.limits import limits
from converter.jobs.logos import read_watermark, watermark_of
from converter.jobs.pages import split
from converter.jobs.quota import BytesLeft
from converter.jobs.thumbnails import THUMBNAIL, keep_thumbnail
from converter.jobs.transitions import fail, finish
from converter.jobs.uploads import bad_image
from converter.models import Job, Source, Upload
from converter.sandbox import (
    BadImage,
    Document,
    Probed,
    Refused,
    Rendered,
    Sandbox,
    SandboxError,
    Unjoined,
    Unwanted,
)
from converter.storage import StorageFault

logger = logging.getLogger(__name__)

SANDBOX = Sandbox(required=settings.CONVERTER_SANDBOX_REQUIRED)
# In an image's metadata, the newest. DynamoDB stores 400 KB per item, about 4,000 of them.
MOST_OUTPUTS = 1_000
_DONE = {Job.Status.FINISHED, Job.Status.FAILED, Job.Status.EXPIRED}


def run(upload_id: uuid.UUID) -> int:
    """Convert one upload to all waiting outputs, decoding it once; return the number of jobs claimed.

    A problem with the image fails its jobs. A temporary fault of storage, database or sandbox queues the
    unfinished jobs again and is raised. Raises StillRunning if another worker holds the jobs.
    """
    jobs = claim(upload_id)
    if not jobs:
        if Job.objects.filter(upload=upload_id, lease_until__gte=timezone.now()).exists():
            raise StillRunning
        if Source.objects.filter(upload=upload_id).exists():
            return 0  # the document waits for another image, or is converted by the task of its first
        _note_nothing_to_run(upload_id)
        # The first worker may have been killed after its last job but before this.
        for upload in Upload.objects.filter(pk=upload_id):
            _note_outputs(upload)
        return 0
    try:
        _run(jobs)
    except (StorageFault, DatabaseError, SandboxError) as exc:
        _put_back(jobs, exc)
        raise
    return len(jobs)


def _note_nothing_to_run(upload_id: uuid.UUID) -> None:
    statuses = set(Job.objects.filter(upload=upload_id).values_list("status", flat=True))
    if not statuses:
        logger.info("Upload is not in a batch yet", extra={"upload": str(upload_id)})
        return
    logger.info("No job left to run", extra={"upload": str(upload_id), "statuses": sorted(statuses)})
    if statuses & _DONE:
        metrics.emit(Duplicates=1)


def _run(jobs: list[Job]) -> None:
    alone = [job for job in jobs if not job.is_joined]
    if alone:
        _convert(alone)
    for job in jobs:
        if job.is_joined:
            _join(job)


def _join(job: Job) -> None:
    """Make one document of all images of the job, each decoded separately, and any missing thumbnails."""
    document = Document(SANDBOX, job.parsed_recipe, limits(), job.images)
    wanted = held([job]).filter(pk=job.pk).exists
    try:
        for source in job.sources.all():
            try:
                _add(source, document, wanted)
            except BadImage as exc:
                raise Unjoined(bad_image(source.upload, exc.message)) from exc
            renew([job])
        _finish(job, document.finish(wanted), BytesLeft(job.owner, batch=job.batch_id))
    except Unjoined as exc:
        _fail(job, exc.message)
        return
    except Unwanted:
        return  # cancelled or deleted meanwhile
    for upload in job.uploads:
        _note_outputs(upload)


def _add(source: Source, document: Document, wanted: Callable[[], bool]) -> None:
    upload = source.upload
    try:
        data, stored = storage.uploads.read(upload.key)
    except FileNotFoundError as exc:
        raise BadImage(Message("no_upload")) from exc
    if stored.etag != upload.etag:
        raise BadImage(Message("upload_replaced"))
    recipe = source.parsed_recipe
    logos = {}
    if name := watermark_of(recipe or source.job.parsed_recipe):
        logo = read_watermark(upload.owner_id, name)
        if logo is None:
            raise Unjoined(Message("no_watermark"))
        logos[name] = logo
    extra = [] if upload.thumbnail_key else [THUMBNAIL]
    for answer in document.add(upload.name, data, recipe=recipe, logos=logos, extra=extra, wanted=wanted):
        if isinstance(answer, Probed):
            _note_facts(upload, answer.facts)
        else:
            keep_thumbnail(upload, answer)


def _convert(jobs: list[Job]) -> None:
    upload = jobs[0].upload
    try:
        data, stored = storage.uploads.read(upload.key)
    except FileNotFoundError:
        _fail_all(jobs, Message("no_upload"))
        return
    if stored.etag != upload.etag:
        _fail_all(jobs, Message("upload_replaced"))
        return

    ready, images = _with_watermarks(_by_page(jobs, data), upload.owner_id)
    if not ready:
        return
    recipes = [job.parsed_recipe for job in ready]
    left = BytesLeft(jobs[0].owner, batch=jobs[0].batch_id)
    extra = [] if upload.thumbnail_key else [THUMBNAIL]
    renewed = time.monotonic()
    # `wanted` stops the work once the jobs are cancelled or deleted.
    for answer in SANDBOX.render(data, [*extra, *recipes], limits(), images, wanted=held(ready).exists):
        if isinstance(answer, Probed):
            _note_facts(upload, answer.facts)
        elif answer.index < len(extra):
            keep_thumbnail(upload, answer)
        else:
            job = ready[answer.index - len(extra)]
            if isinstance(answer, Refused):
                _fail(job, answer.message)
            else:
                _finish(job, answer, left)
        if time.monotonic() - renewed > LEASE.total_seconds() / 6:
            renewed = time.monotonic()
            renew(ready)
    _note_outputs(upload)


def _by_page(jobs: list[Job], data: bytes) -> list[Job]:
    """Return the jobs, each job for all pages split into one per page; fail those that cannot be split."""
    if all(job.parsed_recipe.frames != "each" for job in jobs):
        return jobs
    upload, pictures, refusal = jobs[0].upload, 0, None
    for answer in SANDBOX.render(data, [THUMBNAIL], limits(), wanted=held(jobs).exists):
        if isinstance(answer, Probed):
            pictures = answer.pictures
            _note_facts(upload, answer.facts)
        else:
            refusal = answer.message if isinstance(answer, Refused) else None
            keep_thumbnail(upload, answer)
    ready: list[Job] = []
    for job in jobs:
        if job.parsed_recipe.frames != "each":
            ready.append(job)
        elif pictures:
            ready += _pages_of(job, pictures)
        elif refusal:
            _fail(job, refusal)
    return ready


def _pages_of(job: Job, count: int) -> list[Job]:
    try:
        return split(job, count)
    except (engine.EngineError, OverQuota) as exc:
        _fail(job, exc.message)
        return []


def _with_watermarks(jobs: list[Job], owner_id: uuid.UUID) -> tuple[list[Job], dict[str, bytes]]:
    """Return the jobs whose watermark images are here, and these images by name; fail the others."""
    ready: list[Job] = []
    images: dict[str, bytes] = {}
    for job in jobs:
        name = watermark_of(job.parsed_recipe)
        if name and name not in images:
            image = read_watermark(owner_id, name)
            if image is None:
                _fail(job, Message("no_watermark"))
                continue
            images[name] = image
        ready.append(job)
    return ready, images


def _note_facts(upload: Upload, facts: dict[str, Any]) -> None:
    if upload.format:
        return
    # The row is written last: if the metadata store fails, the next attempt repeats all of this.
    item = {"owner": str(upload.owner_id), "name": upload.name, **facts, "outputs": []}
    metadata.store().put(upload.pk, item, expires_at=upload.expires_at)
    upload.format = facts["format"]
    Upload.objects.filter(pk=upload.pk).update(
        format=facts["format"],
        width=facts["width"],
        height=facts["height"],
        frames=facts["frames"],
        mode=facts["mode"],
        profile=(facts["profile"] or "")[:120],
    )


def _note_outputs(upload: Upload) -> None:
    finished = Job.objects.of([upload]).filter(status=Job.Status.FINISHED, batch__kept=True)
    rows = finished.order_by("-finished_at", "-pk").values_list(
        "pk", "result_format", "result_width", "result_height", "result_size"
    )[:MOST_OUTPUTS]
    outputs = [
        {"job": str(job), "format": format, "width": width, "height": height, "size": size}
        for job, format, width, height, size in reversed(list(rows))
    ]
    if outputs:
        metadata.store().update(upload.pk, {"outputs": outputs}, expires_at=upload.expires_at)


def _finish(job: Job, answer: Rendered, left: BytesLeft) -> None:
    try:
        left.take(len(answer.data))
    except OverQuota as exc:
        _fail(job, exc.message)
        return
    extension = engine.FORMATS[answer.format].extension
    stored = storage.results.put(
        job.result_key,
        io.BytesIO(answer.data),
        filename=job.upload.renamed(extension),
        content_type=answer.mime,
    )
    finished = finish(job, answer, stored)
    facts = {"job": str(job.pk), "format": answer.format, "milliseconds": answer.milliseconds}
    if finished:
        before, after = answer.report["bytes_before"], len(answer.data)
        logger.info("Job finished", extra={**facts, "before": before, "after": after})
        metrics.emit(
            {"format": answer.format},
            Finished=1,
            Milliseconds=answer.milliseconds,
            BytesIn=before,
            BytesOut=after,
        )
        return
    logger.info("Job lease lost", extra=facts)
    if not Job.objects.filter(pk=job.pk, status__in=[*Job.UNFINISHED, Job.Status.FINISHED]).exists():
        storage.results.remove([job.result_key])  # cancelled or deleted meanwhile


def _fail(job: Job, message: Message) -> None:
    code = message.code
    if fail(held([job]).filter(pk=job.pk), message):
        level = logging.ERROR if code == engine.Fault.code else logging.INFO
        logger.log(level, "Job failed", extra={"job": str(job.pk), "code": code})
        metrics.emit({"code": code}, Failed=1)


def _fail_all(jobs: Sequence[Job], message: Message) -> None:
    for job in jobs:
        _fail(job, message)


def _put_back(jobs: Sequence[Job], exc: Exception) -> None:
    try:
        put_back(jobs, hindrance_of(exc))
    except DatabaseError:
        logger.exception("Could not put jobs back; their leases will expire")
