"""Retry and cancel."""

from __future__ import annotations

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from converter.jobs.errors import Conflict
from converter.jobs.tasks import enqueue_conversion
from converter.models import Batch, Job
from converter.webhooks import notify_of_batch


def retry(job: Job) -> None:
    """Queue a failed or cancelled job again."""
    if not job.upload.is_here:
        raise Conflict("no_upload", kind="retry")
    now = timezone.now()
    queued = Job.objects.filter(pk=job.pk, status__in=[Job.Status.FAILED, Job.Status.CANCELLED]).update(
        status=Job.Status.QUEUED,
        attempts=0,
        error_code="",
        error_params=None,
        error_message="",
        queued_at=now,
        asked_at=now,
        started_at=None,
        finished_at=None,
    )
    job.refresh_from_db()
    if not queued:
        raise Conflict(kind="retry", state=job.status)
    enqueue_conversion(job.upload_id)


def cancel(job: Job) -> None:
    """Stop a job that is not done. What a worker has in hand is thrown away when it is ready."""
    with transaction.atomic():
        cancelled = _cancel(Job.objects.filter(pk=job.pk))
        if cancelled:
            notify_of_batch(job.batch_id, job.owner_id)
    job.refresh_from_db()
    if not cancelled:
        raise Conflict(kind="cancel", state=job.status)


def cancel_batch(batch: Batch) -> int:
    """Cancel what is not done yet and return how many; finished jobs stay."""
    with transaction.atomic():
        cancelled = _cancel(batch.jobs.all())
        if cancelled:
            notify_of_batch(batch.pk, batch.owner_id)
    return cancelled


def _cancel(jobs: QuerySet[Job]) -> int:
    return jobs.filter(status__in=Job.UNFINISHED).update(
        status=Job.Status.CANCELLED, lease=None, lease_until=None, finished_at=timezone.now()
    )


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
