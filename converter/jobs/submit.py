"""Submit a batch: create its rows and enqueue its jobs."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import cache, partial
from types import MappingProxyType
from typing import Any

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from converter import configuration, engine, metrics
from converter.engine import Message, Problem
from converter.engine.naming import pattern_problem
from converter.jobs.errors import InvalidSubmission
from converter.jobs.guests import is_guest
from converter.jobs.in_order import in_order
from converter.jobs.limits import limits
from converter.jobs.logos import has_watermark, watermark_of
from converter.jobs.quota import check_quota
from converter.jobs.tasks import enqueue, enqueue_conversion
from converter.jobs.transitions import queue_received
from converter.jobs.uploads import NewFile, announced, check_files, new_upload
from converter.models import Batch, Job, Preferences, Source, Upload, Usage

logger = logging.getLogger(__name__)

UNKEPT_LIFETIME = timedelta(minutes=10)

OnCreate = Callable[[Batch], None]


def ignore(batch: Batch) -> None:
    """Do nothing more when a batch is created."""


def submit(
    owner: AbstractBaseUser,
    *,
    outputs: Sequence[engine.Recipe],
    files: Sequence[NewFile] = (),
    uploads: Sequence[Upload] = (),
    own_outputs: Mapping[uuid.UUID, Sequence[engine.Recipe]] = MappingProxyType({}),
    name_pattern: str = "",
    join: bool = False,
    kept: bool = True,
    on_create: OnCreate = ignore,
) -> Batch:
    """Create a batch with one job for each image and output, and return it.

    Jobs of uploads that are here are queued at once; jobs of new files and of announced uploads wait for the
    bytes.

    With `join`, one job joins all images, first `uploads` and then `files`, into one document.

    `own_outputs` replace `outputs` for single uploads, by id; a new file has its own in `NewFile.outputs`.
    `name_pattern` names the results (`engine.naming`).
    `on_create` is called with the batch first in the transaction that creates it.
    The caller removes a batch that is not `kept`; after a crash it expires soon.
    Raises InvalidSubmission, OverQuota.
    """
    _check_submission(owner, outputs, files, uploads, own_outputs)
    if join:
        _check_joined(outputs, files, uploads, own_outputs)
    if name_pattern and (problem := pattern_problem(name_pattern)):
        raise _invalid("/name_pattern", problem.code, **problem.params)
    batch = _batch(owner, outputs, name_pattern, join=join, kept=kept)
    fresh = [new_upload(owner, file, batch.created_at, batch.expires_at) for file in files]
    sent = [(upload, file.outputs or outputs) for upload, file in zip(fresh, files, strict=True)]
    here = [(upload, own_outputs.get(upload.pk) or outputs) for upload in uploads]
    pages = _sources(batch, [*here, *sent]) if join and len(here) + len(sent) > 1 else []
    rows = [pages[0].job] if pages else _jobs(batch, [*sent, *here])
    images = sum(job.images for job in rows)
    with in_order(), transaction.atomic():
        on_create(batch)
        check_quota(owner, jobs=images, size=sum(file.size for file in files), kept=kept)
        Usage.objects.note(owner.pk, batch.created_at, images)
        batch.save(force_insert=True)
        Upload.objects.bulk_create(fresh)
        if uploads and kept:
            _keep_longer(uploads, batch.expires_at)
        Job.objects.bulk_create(rows)
        Source.objects.bulk_create(pages)
        _enqueue(owner, rows, fresh)
    _queue_arrived(uploads)
    logger.info("Batch submitted", extra={"batch": str(batch.pk), "jobs": len(rows)})
    metrics.emit(Submitted=len(rows))
    return batch


def _batch(
    owner: AbstractBaseUser, outputs: Sequence[engine.Recipe], name_pattern: str, *, join: bool, kept: bool
) -> Batch:
    now = timezone.now()
    return Batch(
        owner_id=owner.pk,
        outputs=[output.canonical() for output in outputs],
        name_pattern=name_pattern,
        join=outputs[0].format if join else "",
        created_at=now,
        kept=kept,
        expires_at=now + (Preferences.of(owner).kept_for if kept else UNKEPT_LIFETIME),
    )


def _enqueue(owner: AbstractBaseUser, rows: Sequence[Job], fresh: Sequence[Upload]) -> None:
    """Enqueue conversions of images that are here, and fetches of those given by URL."""
    for upload in dict.fromkeys(job.upload for job in rows if job.status == Job.Status.QUEUED):
        enqueue_conversion(upload.pk, owner.pk)
    for upload in fresh:
        if upload.source_url:
            enqueue("fetch", owner.pk, upload=upload.pk)


def _queue_arrived(uploads: Sequence[Upload]) -> None:
    """Queue the jobs of uploads that arrived while the rows were created: their event found no jobs."""
    awaited = [upload.pk for upload in uploads if not upload.received_at]
    for upload in Upload.objects.filter(pk__in=awaited).exclude(received_at=None):
        queue_received(upload, timezone.now(), is_first=False)
        enqueue_conversion(upload.pk, upload.owner_id)


def _jobs(batch: Batch, sources: Sequence[tuple[Upload, Sequence[engine.Recipe]]]) -> list[Job]:
    """Return one job for each image and output, queued if the image is here."""
    jobs: list[Job] = []
    position = 0
    for number, (upload, outputs) in enumerate(sources, 1):
        for output in outputs:
            is_here = bool(upload.received_at)
            jobs.append(_job(batch, upload, output, is_here=is_here, position=position, number=number))
            position += limits().max_frames if output.frames == "each" else 1  # see jobs.pages
    return jobs


def _sources(batch: Batch, images: Sequence[tuple[Upload, Sequence[engine.Recipe]]]) -> list[Source]:
    """Return the sources of one job that joins these images, queued if all are here."""
    output = engine.Recipe.parse(batch.outputs[0])
    is_here = all(upload.received_at for upload, _ in images)
    job = _job(batch, images[0][0], output, is_here=is_here, images=len(images))
    return [
        Source(job=job, upload=upload, position=position, recipe=own.canonical() if own != output else None)
        for position, (upload, (own,)) in enumerate(images)
    ]


def _job(batch: Batch, upload: Upload, output: engine.Recipe, *, is_here: bool, **facts: int) -> Job:
    now = batch.created_at
    return Job(
        batch=batch,
        upload=upload,
        owner_id=batch.owner_id,
        recipe=output.canonical(),
        recipe_hash=output.hash,
        output_format=output.format,
        created_at=now,
        status=Job.Status.QUEUED if is_here else Job.Status.AWAITING_UPLOAD,
        queued_at=now if is_here else None,
        asked_at=now if is_here else None,
        **facts,
    )


def _keep_longer(uploads: Sequence[Upload], until: datetime) -> None:
    """Keep uploads as long as their new results, but no longer than the maximum retention.

    Buckets delete files by age, whatever the row says.
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
    own_outputs: Mapping[uuid.UUID, Sequence[engine.Recipe]],
) -> None:
    count = len(files) + len(uploads)
    if not count:
        raise InvalidSubmission("no_files")
    if not outputs:
        raise InvalidSubmission("no_outputs")
    if count > (most := configuration.current().most_files):
        raise InvalidSubmission("too_many_files", most=most, count=count)
    has_logo = cache(partial(has_watermark, owner.pk))
    _check_outputs(outputs, "/outputs", has_logo)
    for index, file in enumerate(files):
        _check_outputs(file.outputs, f"/files/{index}/outputs", has_logo)
    for index, upload in enumerate(uploads):
        _check_outputs(own_outputs.get(upload.pk, ()), f"/uploads/{index}/outputs", has_logo)
    check_files(files)
    _check_urls(owner, files)
    coming = announced(upload for upload in uploads if not upload.received_at)
    for index, upload in enumerate(uploads):
        if not (upload.is_here or upload.pk in coming):
            raise _invalid(f"/uploads/{index}", "no_upload", kind="named", name=upload.name)


def _check_joined(
    outputs: Sequence[engine.Recipe],
    files: Sequence[NewFile],
    uploads: Sequence[Upload],
    own_outputs: Mapping[uuid.UUID, Sequence[engine.Recipe]],
) -> None:
    own = [
        *((f"/files/{index}/outputs", file.outputs) for index, file in enumerate(files)),
        *(
            (f"/uploads/{index}/outputs", own_outputs.get(upload.pk, ()))
            for index, upload in enumerate(uploads)
        ),
    ]
    for pointer, recipes in [("/outputs", outputs), *((at, found) for at, found in own if found)]:
        if len(recipes) > 1:
            raise _invalid(pointer, "invalid_submission", kind="join_outputs")
        if recipes[0].is_auto or not recipes[0].target.paper:
            raise _invalid(f"{pointer}/0/format", "invalid_submission", kind="join_format")
        if recipes[0].frames == "each":
            raise _invalid(f"{pointer}/0/frames", "invalid_submission", kind="join_each")
    size = sum(file.size for file in files) + sum(upload.size for upload in uploads)
    try:
        limits().check_document(size, 0, len(files) + len(uploads))
    except engine.LimitExceeded as exc:
        raise _invalid("/files", exc.code, **exc.params) from exc


def check_distinct(outputs: Sequence[engine.Recipe], pointer: str) -> None:
    """Raise InvalidSubmission at `pointer` if there are too many outputs or two are the same."""
    if len(outputs) > settings.CONVERTER_MAX_OUTPUTS:
        raise _invalid(pointer, "too_many_outputs", most=settings.CONVERTER_MAX_OUTPUTS)
    if len({output.hash for output in outputs}) < len(outputs):
        raise _invalid(pointer, "same_outputs")


def _check_outputs(outputs: Sequence[engine.Recipe], pointer: str, has_logo: Callable[[str], bool]) -> None:
    check_distinct(outputs, pointer)
    makes = configuration.current().makes
    for index, output in enumerate(outputs):
        if not makes(output.format):
            raise _invalid(f"{pointer}/{index}/format", "format_disabled", format=output.format)
        if (name := watermark_of(output)) and not has_logo(name):
            raise _invalid(f"{pointer}/{index}/watermark/image", "no_watermark", kind="not_sent")


def _check_urls(owner: AbstractBaseUser, files: Sequence[NewFile]) -> None:
    # Guests may not import: the site would be an open proxy.
    disabled = Message("import_disabled", {"kind": "guest"} if is_guest(owner) else {})
    problems = [Problem(f"/files/{index}/url", disabled) for index, file in enumerate(files) if file.url]
    if problems and (is_guest(owner) or not settings.CONVERTER_IMPORT_BY_URL):
        raise InvalidSubmission(errors=problems, problems=[disabled])


def _invalid(pointer: str, code: str, **params: Any) -> InvalidSubmission:
    return InvalidSubmission(code, errors=[Problem(pointer, Message(code, params))], **params)
