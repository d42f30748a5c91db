"""Quotas: how many conversions a day and how many bytes one person may have."""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.base_user import AbstractBaseUser
from django.db.models import Sum
from django.utils import timezone

from converter.jobs.errors import OverQuota
from converter.models import Job, Logo, Quota, Upload, Usage


def check_quota(owner: AbstractBaseUser, *, jobs: int, size: int) -> None:
    """Raise OverQuota if so many more jobs, or bytes, are more than the owner may have.

    Call it in the transaction that makes the rows. It locks the owner's row, since two requests at once would each
    find room for themselves.
    """
    get_user_model()._default_manager.select_for_update(no_key=True).get(pk=owner.pk)
    now = timezone.now()
    quota = Quota.objects.filter(owner=owner.pk).first() or Quota()
    most_jobs = settings.CONVERTER_JOBS_A_DAY if quota.jobs_a_day is None else quota.jobs_a_day
    most_bytes = settings.CONVERTER_BYTES_KEPT if quota.bytes_kept is None else quota.bytes_kept
    if jobs and most_jobs:
        today = Usage.objects.jobs_of(owner.pk, now - timedelta(days=1))
        if today + jobs > most_jobs:
            raise OverQuota(kind="conversions", count=jobs, most=most_jobs, today=today)
    if size and most_bytes:
        uploads = Upload.objects.filter(owner=owner.pk, deleted_at=None).aggregate(n=Sum("size"))["n"] or 0
        finished = Job.objects.filter(owner=owner.pk, status=Job.Status.FINISHED)
        results = finished.aggregate(n=Sum("result_size"))["n"] or 0
        logos = Logo.objects.filter(owner=owner.pk).aggregate(n=Sum("size"))["n"] or 0
        if uploads + results + logos + size > most_bytes:
            raise OverQuota(kind="bytes", most=most_bytes)
