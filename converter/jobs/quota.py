"""Quotas: how many conversions a day and how many bytes of storage each user has."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.base_user import AbstractBaseUser
from django.db.models import Q, QuerySet, Sum
from django.db.models.functions import Coalesce
from django.utils import timezone

from converter import configuration
from converter.jobs.errors import OverQuota
from converter.jobs.guests import check_rate, is_guest, with_same_quota
from converter.models import Batch, Job, Logo, Quota, Upload, Usage


@dataclass(frozen=True)
class QuotaUse:
    """An owner's usage and maximums. A maximum of 0 means no limit."""

    jobs_today: int
    most_jobs: int
    bytes_kept: int
    most_bytes: int


def quota_use(owner: AbstractBaseUser) -> QuotaUse:
    """Return an owner's usage: jobs in the last 24 hours, and bytes kept."""
    quota = _quota(owner)
    return QuotaUse(
        jobs_today=_jobs_today(owner),
        most_jobs=_most_jobs(quota),
        bytes_kept=bytes_kept(with_same_quota(owner)),
        most_bytes=_most_bytes(owner, quota),
    )


def check_quota(
    owner: AbstractBaseUser, *, jobs: int, size: int, kept: bool = True, batch: uuid.UUID | None = None
) -> None:
    """Raise OverQuota if this many more jobs or bytes exceed the owner's quota.

    Jobs that are not `kept` are previews. `batch` is the batch that the images belong to, if it exists
    already. Call in the transaction that creates the rows. Locks the owner's row: otherwise two concurrent
    requests could both pass.
    """
    get_user_model()._default_manager.select_for_update(no_key=True).get(pk=owner.pk)
    if is_guest(owner) and jobs:
        check_rate(owner, jobs=jobs, kept=kept)
    quota = _quota(owner)
    most_jobs = _most_jobs(quota)
    if jobs and most_jobs:
        today = _jobs_today(owner)
        if today + jobs > most_jobs:
            raise OverQuota(kind="conversions", count=jobs, most=most_jobs, today=today)
    if size:
        BytesLeft(owner, quota, batch).take(size)


class BytesLeft:
    """The bytes that an owner may still store, computed once."""

    def __init__(
        self, owner: AbstractBaseUser, quota: Quota | None = None, batch: uuid.UUID | None = None
    ) -> None:
        """`batch` is the batch that the images or results belong to."""
        self._owner, self._batch = owner, batch
        self._most = _most_bytes(owner, quota or _quota(owner))
        self._left = self._most - bytes_kept(with_same_quota(owner)) if self._most else 0

    def take(self, size: int) -> None:
        """Take this many bytes. Raises OverQuota and takes none if fewer are left."""
        if self._most and size > self._left:
            raise OverQuota(kind=self._what_helps(size), most=self._most)
        self._left -= size

    def _what_helps(self, size: int) -> str:
        """Return the kind of message that tells the user how to free space."""
        mine = Q(owner=self._owner.pk)
        if size > self._most:
            return "bytes_at_once"
        batches = Batch.objects.filter(mine, kept=True, expired_at=None).values_list("pk", flat=True)
        if set(batches[:2]) - {self._batch}:
            return "bytes"
        if self._batch:
            return "bytes_at_once"
        if is_guest(self._owner):
            return "bytes_guest"
        return "bytes_unused" if Upload.objects.filter(mine, deleted_at=None).exists() else "bytes_logos"


def _quota(owner: AbstractBaseUser) -> Quota:
    return Quota.objects.filter(owner=owner.pk).first() or Quota()


def _jobs_today(owner: AbstractBaseUser) -> int:
    return Usage.objects.jobs_of(owner.pk, timezone.now() - timedelta(days=1))


def _most_jobs(quota: Quota) -> int:
    return configuration.current().most_jobs_a_day if quota.jobs_a_day is None else quota.jobs_a_day


def _most_bytes(owner: AbstractBaseUser, quota: Quota) -> int:
    if quota.bytes_kept is not None:
        return quota.bytes_kept
    most: int = settings.CONVERTER_GUEST_BYTES_KEPT if is_guest(owner) else settings.CONVERTER_BYTES_KEPT
    return most


def bytes_kept(whose: Q) -> int:
    """Return the total size of these owners' uploads, results and logos."""
    uploads = _sums(Upload.objects.filter(whose, deleted_at=None), "size")
    results = _sums(Job.objects.filter(whose, status=Job.Status.FINISHED), "result_size")
    logos = _sums(Logo.objects.filter(whose), "size")
    return sum(uploads.union(results, logos, all=True))


def _sums(rows: QuerySet[Any], size: str) -> QuerySet[Any]:
    """Return the sum of field `size` for each owner of these rows."""
    sums: QuerySet[Any] = rows.order_by().values("owner").annotate(n=Coalesce(Sum(size), 0))
    return sums.values_list("n", flat=True)
