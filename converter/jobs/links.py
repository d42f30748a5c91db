"""Links to stored files."""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings

from converter import engine, storage
from converter.jobs.errors import Conflict, Gone
from converter.models import Job, Upload

LINK_LIFETIME = timedelta(minutes=5)
SHARED_LIFETIME = timedelta(minutes=1)  # a link may work for twice as long after its share is revoked


def thumbnail_url(upload: Upload) -> str | None:
    """Return a link to the thumbnail that works for some minutes, or None if there is no thumbnail."""
    if not upload.thumbnail_key or upload.is_gone:
        return None
    return storage.results.download_url(
        upload.thumbnail_key,
        filename="thumbnail.jpg",
        content_type="image/jpeg",
        lifetime=LINK_LIFETIME,
        until=upload.expires_at,
    )


def original_url(upload: Upload) -> str:
    """Return a link to download the original that works for some minutes.

    Raises Gone if it is not here or this site offers no originals.
    """
    if not upload.is_here or not settings.CONVERTER_ORIGINALS:
        raise Gone(kind="image")
    return storage.uploads.download_url(
        upload.key,
        filename=upload.name,
        content_type="application/octet-stream",
        lifetime=LINK_LIFETIME,
        until=upload.expires_at,
    )


def result_url(job: Job, lifetime: timedelta = LINK_LIFETIME) -> str:
    """Return a link to the result that works for about `lifetime`.

    Raises Gone if it has expired, Conflict if there is none.
    """
    if job.state == Job.Status.EXPIRED:
        raise Gone(kind="result")
    if not job.has_result:
        raise Conflict("no_result", state=job.status)
    return storage.results.download_url(
        job.result_key,
        filename=job.result_name,
        content_type=engine.FORMATS[job.result_format].mime,
        lifetime=lifetime,
        until=job.batch.expires_at,
    )
