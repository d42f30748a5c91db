"""All changes of a job's state except those in `leases.py`.

Each is a conditional UPDATE whose row count says who won. The diagram in `converter/jobs/__init__.py` shows
the states and transitions.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from converter.engine import Message
from converter.jobs.alone import each
from converter.jobs.errors import HINDRANCES, Conflict
from converter.jobs.leases import held
from converter.jobs.tasks import enqueue, enqueue_conversion
from converter.models import Batch, Job, Source, Upload
from converter.sandbox import Rendered
from converter.storage import Stored
from converter.webhooks import notify_of_batch, notify_of_job

MOST_AT_ONCE = 500

QUEUED_AFRESH = {
    "status": Job.Status.QUEUED,
    "attempts": 0,
    "asks": 0,
    "hindrance": "",
    "hindered": 0,
    "error_code": "",
    "error_params": None,
    "error_message": "",
    "started_at": None,
    "finished_at": None,
}


# --- Awaiting upload, queued -------------------------------------------------------------------------------


def queue_received(upload: Upload, now: datetime, *, is_first: bool) -> int:
    """Queue the jobs that waited for this upload and return how many.

    On its first arrival this includes jobs that failed because it had not arrived.
    """
    waited = Q(status=Job.Status.AWAITING_UPLOAD)
    if is_first:
        waited |= Q(status=Job.Status.FAILED, error_code__in=["upload_timed_out", *HINDRANCES])
    queued = {**QUEUED_AFRESH, "queued_at": now, "asked_at": now}
    return Job.objects.filter(waited, upload=upload, images=1).update(**queued) + sum(
        _queue_joined(job, waited, queued)
        for job in Job.objects.filter(waited, images__gt=1, sources__upload=upload)
    )


def _queue_joined(job: Job, waited: Q, queued: Mapping[str, Any]) -> int:
    """Queue and enqueue a job of several uploads once all are here: the event names only the last upload."""
    missing = Source.objects.filter(job=OuterRef("pk"), upload__received_at=None)
    changed = Job.objects.filter(waited, ~Exists(missing), pk=job.pk).update(**queued)
    if changed:
        enqueue_conversion(job.upload_id, job.owner_id)
    return changed


def note_hindrance(upload: Upload, code: str) -> None:
    """Note on the jobs that wait for an upload the code of what prevents its arrival."""
    Job.objects.of([upload]).filter(status=Job.Status.AWAITING_UPLOAD).update(hindrance=code)


# --- Finished, failed, expired -----------------------------------------------------------------------------


def finish(job: Job, answer: Rendered, stored: Stored) -> bool:
    """Mark a claimed job as finished; return whether its lease was still ours."""
    with transaction.atomic():
        finished = (
            held([job])
            .filter(pk=job.pk)
            .update(
                status=Job.Status.FINISHED,
                lease=None,
                lease_until=None,
                hindrance="",
                finished_at=timezone.now(),
                milliseconds=answer.milliseconds,
                result_size=stored.size,
                result_etag=stored.etag,
                result_format=answer.format,
                result_width=answer.width,
                result_height=answer.height,
                report=answer.report,
                versions=answer.report.get("engine"),
            )
        )
        if finished:
            notify_of_job(job)
    return finished == 1


def fail(jobs: QuerySet[Job], message: Message) -> int:
    """Mark up to 500 of the jobs as failed; return how many still matched.

    An error with one job does not stop the others; the first error is raised at the end.
    """
    failed = {
        "status": Job.Status.FAILED,
        "lease": None,
        "lease_until": None,
        "hindrance": "",
        "error_code": message.code,
        "error_params": message.plain_params,
        "error_message": message.text[:500],
        "finished_at": timezone.now(),
    }

    def fail_one(job: Job) -> bool:
        with transaction.atomic():
            if not jobs.filter(pk=job.pk).update(**failed):
                return False
            notify_of_job(job)
        return True

    return sum(each(fail_one, jobs.only("pk", "owner_id")[:MOST_AT_ONCE]))


def lose_result(job: Job, message: Message) -> None:
    """Mark a finished job whose stored result is missing or damaged as failed, so that it can be retried."""
    Job.objects.filter(pk=job.pk, status=Job.Status.FINISHED).update(
        status=Job.Status.FAILED,
        previewed_at=None,
        error_code=message.code,
        error_params=message.plain_params,
        error_message=message.text,
    )


def expire_results(batch: Batch) -> None:
    """Mark the finished jobs of a batch, whose results have been deleted, as expired."""
    batch.jobs.filter(status=Job.Status.FINISHED).update(status=Job.Status.EXPIRED, previewed_at=None)


# --- Requested by users ------------------------------------------------------------------------------------


def retry_refusal(job: Job) -> Conflict | None:
    """Return why a retry cannot help, or None if it may. `retry` itself allows jobs that would fail again."""
    if not job.is_retryable:
        return Conflict(kind="retry", state=job.state)
    if not job.can_retry:
        return Conflict("no_upload", kind="retry")
    return None if job.is_passing else Conflict(kind="retry_in_vain")


def retry_if_it_may_help(job: Job) -> None:
    """Queue a job again with `retry`. Raises Conflict also if it would fail again."""
    if refusal := retry_refusal(job):
        raise refusal
    retry(job)


def retry(job: Job) -> None:
    """Queue a failed or cancelled job again; if fetching its image had failed, fetch it again.

    Raises Conflict if the upload is no longer here or the job is in another state.
    """
    if job.is_unfinished:
        raise Conflict(kind="retry", state=job.status)  # its upload may be yet to come
    missing = [upload for upload in job.uploads if not upload.is_here]
    if not all(upload.can_be_fetched for upload in missing):
        raise Conflict("no_upload", kind="retry")
    now = timezone.now()
    ended = Job.objects.filter(pk=job.pk, status__in=[Job.Status.FAILED, Job.Status.CANCELLED])
    if missing:
        Upload.objects.filter(pk__in=[upload.pk for upload in missing]).update(seen_at=now)
        changed = ended.update(**{**QUEUED_AFRESH, "status": Job.Status.AWAITING_UPLOAD}, asked_at=now)
    else:
        changed = ended.update(**QUEUED_AFRESH, queued_at=now, asked_at=now)
    job.refresh_from_db()
    if not changed:
        raise Conflict(kind="retry", state=job.status)
    if not missing:
        enqueue_conversion(job.upload_id, job.owner_id)
    for upload in missing:
        enqueue("fetch", job.owner_id, upload=upload.pk)


def retry_batch(batch: Batch, *, where_it_may_help: bool = False) -> int:
    """Queue failed and cancelled jobs that still have their upload again; return how many.

    Raises Conflict if a job has changed its state meanwhile.
    """
    ended = batch.jobs.filter(status__in=[Job.Status.FAILED, Job.Status.CANCELLED])
    jobs = [job for job in ended.select_related("upload") if job.can_retry]
    if where_it_may_help:
        jobs = [job for job in jobs if not retry_refusal(job)]
    for job in jobs:
        retry(job)
    return len(jobs)


def cancel(job: Job) -> None:
    """Cancel an unfinished job; a worker's result for it is discarded. Raises Conflict if it is done."""
    with transaction.atomic():
        cancelled = _cancel(Job.objects.filter(pk=job.pk))
        if cancelled:
            notify_of_batch(job.batch_id, job.owner_id)
    job.refresh_from_db()
    if not cancelled:
        raise Conflict(kind="cancel", state=job.status)


def cancel_batch(batch: Batch) -> int:
    """Cancel the unfinished jobs of a batch; return how many."""
    with transaction.atomic():
        cancelled = _cancel(batch.jobs.all())
        if cancelled:
            notify_of_batch(batch.pk, batch.owner_id)
    return cancelled


def cancel_of_suspended() -> int:
    """Cancel the unfinished jobs of users who can no longer log in; return how many."""
    return _cancel(Job.objects.filter(owner__is_active=False))


def _cancel(jobs: QuerySet[Job]) -> int:
    return jobs.filter(status__in=Job.UNFINISHED).update(
        status=Job.Status.CANCELLED, lease=None, lease_until=None, finished_at=timezone.now()
    )
