"""Share results of a batch through an expiring link."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone

from converter import storage
from converter.jobs.alone import each
from converter.jobs.errors import Conflict, Gone
from converter.models import Batch, Job, Share
from converter.storage import StorageFault

logger = logging.getLogger(__name__)

MOST_OPEN = 20  # links per batch
MOST_AT_ONCE = 500  # ZIPs deleted per sweep


def share(batch: Batch, chosen: Iterable[Job], lifetime: timedelta | None = None) -> Share:
    """Create a link to the finished jobs of `chosen`. It expires after `lifetime`, or sooner with the batch.

    Raises Gone if the batch has expired, Conflict if none of the jobs is finished or there are too many
    links.
    """
    now = timezone.now()
    if batch.expires_at <= now:
        raise Gone(kind="batch")
    finished = [job for job in chosen if job.batch_id == batch.pk and job.has_result]
    if not finished:
        raise Conflict("no_result", kind="chosen")
    if batch.shares.open(now).count() >= MOST_OPEN:
        raise Conflict(kind="shares", most=MOST_OPEN)
    expires_at = min(now + lifetime, batch.expires_at) if lifetime else batch.expires_at
    with transaction.atomic():
        made = Share.objects.create(
            owner_id=batch.owner_id, batch=batch, created_at=now, expires_at=expires_at
        )
        made.jobs.set(finished)
    logger.info("Results shared", extra={"share": str(made.pk), "batch": str(batch.pk)})
    return made


def open_share(token: str) -> Share:
    """Return the share with this token.

    Raises Share.DoesNotExist if there is none or its owner is suspended, Gone if it has expired or was
    revoked.
    """
    found = Share.objects.select_related("batch").get(token=token, owner__is_active=True)
    now = timezone.now()
    if found.revoked_at or min(found.expires_at, found.batch.expires_at) <= now:
        raise Gone(kind="share")
    return found


def count_opening(share: Share) -> None:
    """Count one opening of a link."""
    Share.objects.filter(pk=share.pk).update(opened=F("opened") + 1)


def revoke_share(share: Share) -> bool:
    """Revoke a link and delete its ZIP; return whether it had not been revoked before."""
    is_new = Share.objects.filter(pk=share.pk, revoked_at=None).update(revoked_at=timezone.now()) == 1
    try:
        each(_forget_zip, Share.objects.filter(pk=share.pk).exclude(zip_key=""))
    except StorageFault:
        logger.warning(
            "Could not delete the ZIP of a revoked link; the sweep will delete it",
            extra={"share": str(share.pk)},
        )
    return is_new


def forget_ended_zips(now: datetime) -> int:
    """Delete the ZIPs of expired and revoked links; return how many. Raises StorageFault."""
    ended = Share.objects.filter(Q(revoked_at__isnull=False) | Q(expires_at__lte=now))
    return len(each(_forget_zip, ended.exclude(zip_key="").order_by("?")[:MOST_AT_ONCE]))


def _forget_zip(share: Share) -> None:
    storage.results.remove([share.zip_key])
    Share.objects.filter(pk=share.pk, zip_key=share.zip_key).update(zip_key="")
