"""Delete files: `expire` keeps the rows, `remove` deletes them too."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress

from django.contrib.auth.base_user import AbstractBaseUser
from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils import timezone

from converter import metadata, storage
from converter.jobs.errors import Conflict
from converter.jobs.thumbnails import thumbnail_key
from converter.jobs.transitions import cancel_batch, expire_results
from converter.models import Batch, Job, Rendition, Upload
from converter.storage import reserve


def expire(batch: Batch) -> None:
    """Delete the files of a batch now; its rows stay as a record.

    Files are deleted before any row is written, since a full disk has no room for writes. Raises
    StorageFault.
    """
    reserve.give_back()
    now = timezone.now()
    jobs = list(batch.jobs.select_related("upload"))
    storage.results.remove(_result_keys(batch, jobs))
    _drop_uploads(_uploads_of(batch), keep_for=Q(expires_at__gt=now), but=batch)
    _stop(batch, jobs)
    expire_results(batch)
    Batch.objects.filter(pk=batch.pk).update(
        expired_at=now, zip_key="", expires_at=min(now, batch.expires_at)
    )
    batch.shares.exclude(zip_key="").update(zip_key="")


def remove(batch: Batch) -> None:
    """Delete a batch, files before rows, so that a retry finds what a crash left. Raises StorageFault."""
    reserve.give_back()
    jobs = list(batch.jobs.select_related("upload"))
    storage.results.remove(_result_keys(batch, jobs))
    uploads = _uploads_of(batch)
    _drop_uploads(uploads, keep_for=Q(), but=batch)
    _stop(batch, jobs)
    batch.delete()
    ids = [upload.pk for upload in uploads]
    Upload.objects.filter(pk__in=ids, jobs=None, sources=None, deleted_at__isnull=False).delete()


def remove_upload(upload: Upload) -> None:
    """Delete an upload. Raises Conflict if it is in a batch other than a preview's, StorageFault."""
    if Job.objects.of([upload]).filter(batch__kept=True).exists():
        raise Conflict(kind="delete_upload")
    delete_bytes([upload])
    # A preview that has just started keeps the row, which is deleted with it.
    with suppress(IntegrityError), transaction.atomic():
        Upload.objects.filter(pk=upload.pk, jobs=None, sources=None).delete()


def remove_all(owner: AbstractBaseUser) -> None:
    """Delete all images and results of a user and their metadata. Raises StorageFault."""
    reserve.give_back()  # also for the caller, which deletes the user's row next
    for batch in Batch.objects.filter(owner=owner.pk):
        remove(batch)
    delete_bytes(list(Upload.objects.filter(owner=owner.pk, deleted_at=None)))
    Upload.objects.filter(owner=owner.pk).delete()


def _uploads_of(batch: Batch) -> list[Upload]:
    return list(Job.objects.filter(batch=batch).uploads())


def _stop(batch: Batch, jobs: Iterable[Job]) -> None:
    """Cancel unfinished jobs, and delete results that were stored since the files were deleted."""
    cancel_batch(batch)
    storage.results.remove(_result_keys(batch, [job for job in jobs if job.is_unfinished]))


def _result_keys(batch: Batch, jobs: Iterable[Job]) -> list[str]:
    keys = [key for job in jobs for key in (job.result_key, job.before_key, job.after_key)]
    # The key of a ZIP that is being made, or whose worker was killed, is in its Rendition row.
    started = Rendition.objects.filter(subject__startswith=f"results/{batch.owner_id}/batches/{batch.pk}/")
    shared = batch.shares.exclude(zip_key="").values_list("zip_key", flat=True)
    zips = [batch.zip_key, *shared, *started.values_list("subject", flat=True)]
    return [*keys, *filter(None, zips)]


def _drop_uploads(uploads: Iterable[Upload], *, keep_for: Q, but: Batch) -> None:
    """Delete the bytes of uploads that no other batch matching `keep_for` still uses."""
    # A batch that is not kept deletes only uploads that it created.
    uploads = [upload for upload in uploads if but.kept or upload.created_at >= but.created_at]
    ids = [upload.pk for upload in uploads]
    others = Job.objects.filter(batch__in=Batch.objects.filter(keep_for).exclude(pk=but.pk))
    shared = set(others.of(uploads).uploads().filter(pk__in=ids).values_list("pk", flat=True))
    delete_bytes([upload for upload in uploads if upload.pk not in shared])


def delete_bytes(uploads: Sequence[Upload]) -> None:
    """Delete the bytes and metadata of uploads; their rows stay. Raises StorageFault."""
    storage.uploads.remove(upload.key for upload in uploads)
    rows = Upload.objects.filter(pk__in=[upload.pk for upload in uploads])
    # Whatever the rows say: a worker may have been killed after storing a thumbnail.
    storage.results.remove(thumbnail_key(upload) for upload in uploads)
    for upload in uploads:
        metadata.store().remove(upload.pk)
    rows.update(deleted_at=timezone.now(), thumbnail_key="")
    # Again, for files stored meanwhile by processes that could not yet see that the upload is deleted.
    storage.uploads.remove(upload.key for upload in uploads if not upload.received_at)
    storage.results.remove(thumbnail_key(upload) for upload in uploads)
