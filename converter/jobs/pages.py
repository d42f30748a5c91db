"""Split a job into one per page or frame, whose number is known only once the image is read."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from converter import configuration, engine
from converter.jobs.leases import LEASE, held
from converter.jobs.quota import check_quota
from converter.models import Job, Usage


def split(job: Job, count: int) -> list[Job]:
    """Split a claimed job into one for each of its image's `count` pages, all claimed by the same lease.

    Return an empty list if the lease is no longer ours. Each page counts as a conversion.
    Raises NoSuchPage, OverQuota, and TooManyFrames if the batch would have too many results.
    """
    first, *others = job.parsed_recipe.each(count)
    now = timezone.now()
    with transaction.atomic():
        _check_room(job, len(others))
        check_quota(job.owner, jobs=len(others), size=0, kept=job.batch.kept)
        if not held([job]).filter(pk=job.pk).update(**_asked(first)):
            return []
        Usage.objects.note(job.owner_id, now, len(others))
        pages = [_beside(job, recipe, place, now) for place, recipe in enumerate(others, 1)]
        Job.objects.bulk_create(pages)
    return [_same(job, **_asked(first)), *pages]


def _check_room(job: Job, more: int) -> None:
    most = configuration.current().most_files * settings.CONVERTER_MAX_OUTPUTS
    if more and job.batch.jobs.count() + more > most:
        raise engine.TooManyFrames(kind="results", most=most)


def _asked(recipe: engine.Recipe) -> dict[str, Any]:
    return {"recipe": recipe.canonical(), "recipe_hash": recipe.hash}


def _beside(job: Job, recipe: engine.Recipe, place: int, now: datetime) -> Job:
    """Return the job of another page; `submit` leaves room for its position."""
    return _same(
        job, id=uuid.uuid4(), position=job.position + place, lease_until=now + LEASE, **_asked(recipe)
    )


def _same(job: Job, **changes: Any) -> Job:
    """Return a copy of the job with these changes and the same upload, batch and owner objects."""
    row = Job(**{field.attname: getattr(job, field.attname) for field in Job._meta.concrete_fields} | changes)
    row.upload, row.batch, row.owner = job.upload, job.batch, job.owner
    return row
