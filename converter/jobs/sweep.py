"""The sweep: enforce every deadline and repeat every request that was lost."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.utils import timezone

from converter import storage, webhooks
from converter.engine import Message
from converter.jobs.alone import each
from converter.jobs.errors import HINDRANCES
from converter.jobs.guests import forget_guests
from converter.jobs.leases import MAX_ATTEMPTS, free_leases, give_back
from converter.jobs.logos import forget_logos
from converter.jobs.renditions import forget_renditions
from converter.jobs.retention import delete_bytes, expire
from converter.jobs.shares import forget_ended_zips
from converter.jobs.tasks import enqueue, enqueue_conversion
from converter.jobs.transitions import MOST_AT_ONCE, cancel_of_suspended, fail
from converter.jobs.uploads import receive
from converter.models import Batch, Job, Rendition, Upload, lost, of_another_time

ASK_AGAIN = timedelta(minutes=5)
# Waiting is measured in asks: the clock may be changed, the server stopped or the machine asleep meanwhile.
UPLOAD_ASKS = 12  # an hour
QUEUE_ASKS = 72  # six hours
ROOM_TRIES = 12  # an hour, for a full disk to have room again
SIGN_OF_LIFE = timedelta(hours=1)
PARTIAL_FOR = timedelta(days=1)
LOST_EVENT = timedelta(minutes=2)  # before an upload without an event is looked for in storage


def sweep(more: Mapping[str, Callable[[], int]] | None = None) -> dict[str, int]:
    """Run all steps, including those of `more`, and return the count of each.

    Steps that free space come first, since the others may need it. If a step fails, the others still run, and
    the first error is raised at the end. The cost depends on unfinished work, not on history.
    """
    now = timezone.now()
    steps: dict[str, Callable[[], int]] = {
        "expired": lambda: _expire_due(now),
        "deleted": lambda: _delete_lone_uploads(now),
        "shared": lambda: forget_ended_zips(now),
        "partial": lambda: _remove_partial(now - PARTIAL_FOR),
        "forgotten": lambda: webhooks.forget_old(now),
        "logos": forget_logos,
        "renditions": lambda: forget_renditions(now),
        "guests": forget_guests,
        **(more or {}),
        "suspended": cancel_of_suspended,
        "told": lambda: _tell_again(now),
        "found": lambda: _find_lost_uploads(now),
        "failed": lambda: _end_overdue(now),  # after "found", which may have received them
        "freed": lambda: _free_lost_leases(now),
        "asked": lambda: _ask_for_waiting(now),
    }
    return dict(each(lambda step: (step[0], step[1]()), steps.items()))


def recover() -> None:
    """Resume the work of a previous server. Called at startup, before any worker of this server runs."""
    now = timezone.now()
    _remove_partial(now)
    give_back(Job.objects.all())
    Rendition.objects.update(working_until=None)
    Job.objects.unfinished().update(asked_at=None)  # the previous server's workers are gone
    _find_lost_uploads(now, older_than=timedelta(0))
    _ask_for_waiting(now)


def _not_asked(now: datetime) -> Q:
    """Return the condition for jobs with no recent ask. A future time means that the clock was set back."""
    return Q(asked_at=None) | Q(asked_at__lt=now - ASK_AGAIN) | Q(asked_at__gt=now + ASK_AGAIN)


def _find_lost_uploads(now: datetime, older_than: timedelta = LOST_EVENT) -> int:
    """Receive uploads whose bytes are stored but whose event was lost."""
    waiting = Job.objects.filter(
        _not_asked(now),
        status=Job.Status.AWAITING_UPLOAD,
        created_at__lt=now - older_than,
    )
    uploads = waiting.uploads().order_by("created_at")[:MOST_AT_ONCE]
    return sum(each(lambda upload: _look_for(upload, now), uploads))


def _note_ask(jobs: QuerySet[Job], now: datetime) -> None:
    # A document is asked for once per image; `asked_at=now` means already counted.
    jobs.exclude(Q(asked_at=None) | Q(asked_at=now)).update(asks=F("asks") + 1)
    jobs.update(asked_at=now)


def _look_for(upload: Upload, now: datetime) -> bool:
    _note_ask(Job.objects.of([upload]).filter(status=Job.Status.AWAITING_UPLOAD), now)
    try:
        stored = storage.uploads.stat(upload.key)
    except FileNotFoundError:
        if upload.source_url:
            enqueue("fetch", upload.owner_id, upload=upload.pk)
        return False
    if not receive(upload.key, stored):
        return False
    enqueue_conversion(upload.pk, upload.owner_id)
    return True


def _end_overdue(now: datetime) -> int:
    never_came, queued = _never_came(now), Q(status=Job.Status.QUEUED)
    waited = queued & Q(asks__gte=QUEUE_ASKS)
    lost_again = Q(status=Job.Status.PROCESSING) & lost(now) & ~of_another_time(now)
    overdue = [
        (never_came & Q(hindrance="no_room"), Message("no_room")),
        *((never_came & Q(pk=job.pk), _missing(job)) for job in Job.objects.filter(never_came, images__gt=1)),
        (never_came & Q(hindrance="unavailable"), Message("unavailable")),
        (never_came & ~Q(upload__source_url=""), Message("upload_timed_out", {"kind": "fetched"})),
        (never_came, Message("upload_timed_out")),
        # Requires as many asks: a task that is retried at once finds no more room than before.
        (
            queued & Q(hindrance="no_room", hindered__gte=ROOM_TRIES, asks__gte=ROOM_TRIES - 1),
            Message("no_room"),
        ),
        (waited & Q(hindrance="unavailable"), Message("unavailable")),
        (waited, Message("queue_timed_out")),
        (
            Q(attempts__gte=MAX_ATTEMPTS) & (queued | lost_again),
            Message("gave_up", {"attempts": MAX_ATTEMPTS}),
        ),
    ]
    return sum(each(lambda one: fail(Job.objects.filter(one[0]), one[1]), overdue))


def _never_came(now: datetime) -> Q:
    """Return the condition for jobs whose image has not arrived in time.

    A batch may take hours to send file by file, so its uploads count as alive while one of them has recently
    arrived or requested a form.
    """
    long_ago = now - SIGN_OF_LIFE
    lively = Job.objects.filter(
        Q(upload__received_at__gte=long_ago)
        | Q(upload__seen_at__gte=long_ago)
        | Q(sources__upload__received_at__gte=long_ago)
        | Q(sources__upload__seen_at__gte=long_ago),
        batch=OuterRef("batch"),
    )
    return Q(~Exists(lively), status=Job.Status.AWAITING_UPLOAD, asks__gte=UPLOAD_ASKS)


def _missing(job: Job) -> Message:
    """Return the message for a job of several uploads, naming the first that has not arrived."""
    missing = next((upload for upload in job.uploads if not upload.received_at), job.upload)
    return Message("upload_timed_out", {"kind": "joined", "name": missing.name})


def _free_lost_leases(now: datetime) -> int:
    spared = give_back(Job.objects.filter(of_another_time(now)))
    return spared + free_leases(Job.objects.filter(lost(now)))


def _ask_for_waiting(now: datetime) -> int:
    forgotten = Job.objects.filter(_not_asked(now), status=Job.Status.QUEUED).order_by("created_at")
    uploads = dict(forgotten.values_list("upload_id", "owner_id")[:MOST_AT_ONCE])
    asked = Job.objects.filter(upload__in=uploads, status=Job.Status.QUEUED)
    _note_ask(asked, now)
    asked.filter(hindrance__in=HINDRANCES).update(hindrance="")  # the worker sets it again if it persists
    return len(each(lambda item: enqueue_conversion(*item), uploads.items()))


def _remove_partial(before: datetime) -> int:
    return storage.uploads.remove_partial(before) + storage.results.remove_partial(before)


def _expire_due(now: datetime) -> int:
    # In random order, so that batches whose files cannot be deleted do not block the same others in every
    # sweep.
    due = Batch.objects.filter(expires_at__lte=now, expired_at=None).order_by("?")[:MOST_AT_ONCE]
    return len(each(expire, due))


def _delete_lone_uploads(now: datetime) -> int:
    due = Upload.objects.filter(expires_at__lte=now, deleted_at=None).order_by("?")[:MOST_AT_ONCE]
    return len(each(lambda upload: delete_bytes([upload]), due))


def _tell_again(now: datetime) -> int:
    return len(each(webhooks.enqueue, webhooks.due(now)))
