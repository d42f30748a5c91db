"""Quotas: how many conversions a day and how many bytes one person may have."""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.base_user import AbstractBaseUser
from django.db.models import Q, Sum
from django.utils import timezone

from converter import configuration
from converter.jobs.errors import OverQuota
from converter.jobs.guests import check_rate, is_guest, with_same_quota
from converter.models import Job, Logo, Quota, Upload, Usage


def check_quota(owner: AbstractBaseUser, *, jobs: int, size: int, kept: bool = True) -> None:
    """Raise OverQuota if this many more jobs or bytes exceed the owner's quota.

    Jobs that are not `kept` are previews. Call it in the transaction that makes the rows. It locks the owner's row, since two requests at once would each
    find room for themselves.
    """
    get_user_model()._default_manager.select_for_update(no_key=True).get(pk=owner.pk)
    if is_guest(owner) and jobs:
        check_rate(owner, jobs=jobs, kept=kept)
    now = timezone.now()
    quota = _quota(owner)
    most_jobs = configuration.current().most_jobs_a_day if quota.jobs_a_day is None else quota.jobs_a_day
    if jobs and most_jobs:
        today = Usage.objects.jobs_of(owner.pk, now - timedelta(days=1))
        if today + jobs > most_jobs:
            raise OverQuota(kind="conversions", count=jobs, most=most_jobs, today=today)
    if size:
        BytesLeft(owner, quota).take(size)


class BytesLeft:
    """How many bytes an owner may still keep, as of now."""

    def __init__(self, owner: AbstractBaseUser, quota: Quota | None = None) -> None:
        kept = (quota or _quota(owner)).bytes_kept
        default = settings.CONVERTER_GUEST_BYTES_KEPT if is_guest(owner) else settings.CONVERTER_BYTES_KEPT
        self._most: int = default if kept is None else kept
        self._left = self._most - bytes_kept(with_same_quota(owner)) if self._most else 0

    def take(self, size: int) -> None:
        """Count this many more bytes. Raises OverQuota, and counts none, if fewer are left."""
        if self._most and size > self._left:
            raise OverQuota(kind="bytes", most=self._most)
        self._left -= size


def _quota(owner: AbstractBaseUser) -> Quota:
    return Quota.objects.filter(owner=owner.pk).first() or Quota()


def bytes_kept(whose: Q) -> int:
    """Return how many bytes the uploads, results and logos of these owners take up."""
    sizes = (
        Upload.objects.filter(whose, deleted_at=None).aggregate(n=Sum("size")),
        Job.objects.filter(whose, status=Job.Status.FINISHED).aggregate(n=Sum("result_size")),
        Logo.objects.filter(whose).aggregate(n=Sum("size")),
    )
    return sum(size["n"] or 0 for size in sizes)
