"""Limit what guests convert, move their files to an account, and delete them.

The user model defines who is a guest with `is_guest`, and `address_key`, which guests at one IP address
share.
"""

from __future__ import annotations

import time
from datetime import datetime

from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.base_user import AbstractBaseUser
from django.db.models import Q, Sum
from django.utils import timezone

from converter.jobs.alone import each
from converter.jobs.errors import OverQuota
from converter.jobs.retention import remove_all
from converter.models import Batch, Job, RateLimit, Upload, Usage

PREVIEWS_PER_CONVERSION = 10
HOUR = 3600
MOST_AT_ONCE = 100  # guests deleted per sweep


def is_guest(owner: AbstractBaseUser) -> bool:
    """Return whether the owner is a visitor without an account."""
    return bool(getattr(owner, "is_guest", False))


def with_same_quota(owner: AbstractBaseUser) -> Q:
    """Return the condition for rows that count towards the owner's storage quota.

    All guests at the same address share one quota.
    """
    if not is_guest(owner):
        return Q(owner=owner.pk)
    return Q(owner__is_guest=True, owner__address_key=getattr(owner, "address_key", ""))


def check_rate(guest: AbstractBaseUser, *, jobs: int, kept: bool) -> None:
    """Count a guest's jobs or raise OverQuota. Call in the transaction that creates the rows.

    A preview counts as a tenth of a conversion.
    """
    count = jobs if kept else jobs / PREVIEWS_PER_CONVERSION
    rates = {
        f"guest:{guest.pk}": settings.CONVERTER_GUEST_JOBS_AN_HOUR,
        f"guests at:{getattr(guest, 'address_key', '')}": settings.CONVERTER_GUEST_ADDRESS_JOBS_AN_HOUR,
    }
    for key, most in rates.items():
        if most and (wait := RateLimit.objects.spend(key, time.time(), HOUR / most, most, count)):
            raise OverQuota(kind="guest", most=most, minutes=-(-wait // 60))


def move(guest: AbstractBaseUser, owner: AbstractBaseUser) -> int:
    """Move everything a guest made to an account, with unchanged deadlines; return the number of batches.

    The files stay where they are, since the rows hold their keys. Must run in a transaction.
    Raises DoesNotExist if the guest has been deleted.
    """
    get_user_model()._default_manager.select_for_update(no_key=True).get(pk=guest.pk)
    for rows in (Upload.objects, Job.objects):
        rows.filter(owner=guest.pk).update(owner=owner.pk)
    today = Usage.objects.filter(owner=guest.pk).aggregate(n=Sum("jobs"))["n"] or 0
    if today:
        Usage.objects.note(owner.pk, timezone.now(), today)
    Batch.objects.filter(owner=guest.pk, kept=False).update(owner=owner.pk)
    return Batch.objects.filter(owner=guest.pk).update(owner=owner.pk)


def forget_guests() -> int:
    """Delete guests whose files have all expired, and their rows; return how many. Raises StorageFault."""
    now = timezone.now()
    return len(each(_forget, _idle(now)))


def _idle(now: datetime) -> list[AbstractBaseUser]:
    began = now - settings.CONVERTER_GUEST_RETENTION
    guests = get_user_model()._default_manager.filter(is_guest=True, date_joined__lte=began)
    idle = guests.exclude(batches__expires_at__gt=now).exclude(uploads__expires_at__gt=now)
    return list(idle.order_by("?")[:MOST_AT_ONCE])


def _forget(guest: AbstractBaseUser) -> None:
    remove_all(guest)
    guest.delete()
