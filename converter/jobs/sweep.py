"""Sweep: no state without a deadline, nothing asked once and forgotten."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db.models import F, Q
from django.utils import timezone

from converter import storage, webhooks
from converter.jobs.ending import MOST_AT_ONCE, end
from converter.jobs.logos import forget_logos
from converter.jobs.retention import delete_bytes, expire
from converter.jobs.run import MAX_ATTEMPTS
from converter.jobs.tasks import enqueue, enqueue_conversion
from converter.jobs.uploads import receive
from converter.models import Batch, Job, Upload

UPLOAD_DEADLINE = timedelta(hours=1)
QUEUE_DEADLINE = timedelta(hours=6)
ASK_AGAIN = timedelta(minutes=5)
LOST_EVENT = timedelta(minutes=2)  # after which an upload that raised no event is looked for


def sweep() -> dict[str, int]:
    """End what waited too long and ask again for what was forgotten; return how many of each.

    Its cost depends on what is not done, not on history.
    """
    now = timezone.now()
    forget_logos()
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
    uploads = Upload.objects.filter(pk__in=waiting.values("upload")).order_by("created_at")[:MOST_AT_ONCE]
    for upload in uploads:
        Job.objects.filter(upload=upload, status=Job.Status.AWAITING_UPLOAD).update(asked_at=now)
        try:
            stored = storage.uploads.stat(upload.key)
        except FileNotFoundError:
            if upload.source_url:
                enqueue("fetch", upload=upload.pk)
            continue
        if receive(upload.key, stored):
            enqueue_conversion(upload.pk)
            found += 1
    return found


def _end_overdue(now: datetime) -> int:
    overdue = [
        (
            # Only once it was looked for in vain: in a burst, an event may come later than the deadline.
            Q(
                status=Job.Status.AWAITING_UPLOAD,
                created_at__lt=now - UPLOAD_DEADLINE,
                asked_at__gte=F("created_at") + UPLOAD_DEADLINE,
            ),
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
    return sum(end(Job.objects.filter(due), code, text) for due, code, text in overdue)


def _ask_for_waiting(now: datetime) -> int:
    Job.objects.filter(status=Job.Status.PROCESSING, lease_until__lt=now).update(
        status=Job.Status.QUEUED, lease=None, lease_until=None, asked_at=None
    )
    forgotten = Job.objects.filter(
        Q(asked_at=None) | Q(asked_at__lt=now - ASK_AGAIN), status=Job.Status.QUEUED
    ).order_by("created_at")
    uploads = list(dict.fromkeys(forgotten.values_list("upload_id", flat=True)[:MOST_AT_ONCE]))
    Job.objects.filter(upload__in=uploads, status=Job.Status.QUEUED).update(asked_at=now)
    for upload_id in uploads:
        enqueue_conversion(upload_id)
    return len(uploads)


def _expire_due(now: datetime) -> int:
    # In any order, so that one whose bytes cannot be deleted does not hold up the same others at every sweep.
    batches = Batch.objects.filter(expires_at__lte=now, expired_at=None).order_by("?")[:MOST_AT_ONCE]
    for batch in batches:
        expire(batch)
    lone = Upload.objects.filter(expires_at__lte=now, deleted_at=None).order_by("?")[:MOST_AT_ONCE]
    for upload in lone:
        delete_bytes([upload])
    return len(batches)


def _tell_again(now: datetime) -> int:
    webhooks.forget_old(now)
    due = webhooks.due(now)
    for delivery_id in due:
        enqueue("deliver", delivery=delivery_id)
    return len(due)
