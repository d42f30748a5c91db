"""How jobs end as failed."""

from __future__ import annotations

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from converter.engine import Message
from converter.jobs.alone import each
from converter.models import Job
from converter.webhooks import notify_of_job

MOST_AT_ONCE = 500


def end(jobs: QuerySet[Job], message: Message) -> int:
    """End those of the jobs as failed that still are as they are asked for; return how many, and tell of them."""
    failed = {
        "status": Job.Status.FAILED,
        "lease": None,
        "lease_until": None,
        "error_code": message.code,
        "error_params": message.plain_params,
        "error_message": message.text[:500],
        "finished_at": timezone.now(),
    }

    def end_one(job: Job) -> bool:
        with transaction.atomic():
            if not jobs.filter(pk=job.pk).update(**failed):
                return False
            notify_of_job(job)
        return True

    return sum(each(end_one, jobs.only("pk", "owner_id")[:MOST_AT_ONCE]))
