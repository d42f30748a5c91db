"""Claim jobs with a lease, renew it, and queue jobs again.

Once a job's lease has expired (`models.lost`), another worker may claim the job, and the sweep queues it
again. After MAX_ATTEMPTS the sweep fails it.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import timedelta

from django.db.models import F, QuerySet
from django.utils import timezone

from converter.models import Job

# Longer than one output may take, and expired by Lambda's third try of an event (it waits one, then two
# minutes).
LEASE = timedelta(seconds=150)
MAX_ATTEMPTS = 3
MAX_HINDERED = 10
"""How many lost attempts that are not the image's fault do not count.

It is limited, since an image might bring down the whole machine every time.
"""


def claim(upload_id: uuid.UUID) -> list[Job]:
    """Lease the jobs of an upload that wait for a worker or have lost theirs; return them in order."""
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
    ours = Job.objects.filter(upload=upload_id, lease=lease)
    return list(ours.select_related("upload").order_by("position"))


def held(jobs: Sequence[Job]) -> QuerySet[Job]:
    """Return those jobs whose lease is still ours. `jobs` were claimed together and are not empty."""
    first = jobs[0]
    return Job.objects.filter(upload=first.upload_id, lease=first.lease, status=Job.Status.PROCESSING)


def renew(jobs: Sequence[Job]) -> None:
    """Extend the lease of jobs claimed together to LEASE from now, unless it is no longer ours."""
    held(jobs).update(lease_until=timezone.now() + LEASE)


def put_back(jobs: Sequence[Job], hindrance: str) -> None:
    """Queue claimed jobs again; `hindrance` is the code of the reason.

    This does not count as an attempt: a storage failure is not the image's fault.
    """
    held(jobs).update(
        status=Job.Status.QUEUED,
        lease=None,
        lease_until=None,
        attempts=F("attempts") - 1,
        hindered=F("hindered") + 1,
        hindrance=hindrance,
    )


def free_leases(jobs: QuerySet[Job]) -> int:
    """Queue jobs whose worker is lost, so that the sweep dispatches them again; return how many."""
    return jobs.filter(status=Job.Status.PROCESSING).update(
        status=Job.Status.QUEUED, lease=None, lease_until=None, asked_at=None
    )


def give_back(jobs: QuerySet[Job]) -> int:
    """Queue jobs that lost their worker because the server stopped or the clock changed; return how many.

    The first MAX_HINDERED times this does not count as an attempt.
    """
    spared = jobs.filter(status=Job.Status.PROCESSING, attempts__gt=0, hindered__lt=MAX_HINDERED)
    spared.update(attempts=F("attempts") - 1, hindered=F("hindered") + 1)
    return free_leases(jobs)
