"""ZIPs made by the worker on request: of a batch, with a manifest, and of the results in a share."""

from __future__ import annotations

import csv
import hashlib
import io
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db.models import QuerySet
from django.utils import timezone

from converter import storage
from converter.engine import Message
from converter.jobs import icons, picture, renditions
from converter.jobs.archives import Paths, archived
from converter.jobs.errors import Conflict, Gone
from converter.jobs.links import LINK_LIFETIME, SHARED_LIFETIME
from converter.jobs.names import MANIFEST, SNIPPET, flat_names, result_paths
from converter.models import Batch, Job, Share
from converter.storage import StorageFault

MIME = "application/zip"


def zip_url(batch: Batch) -> str | None:
    """Return a link to the ZIP of all finished results, or None while the worker makes it.

    Raises Gone if the batch has expired, Conflict if no result is finished, NotMade if it could not be made.
    """
    if batch.is_expired:
        raise Gone(kind="results")
    finished = list(batch.jobs.filter(status=Job.Status.FINISHED).values_list("pk", flat=True))
    if not finished:
        raise Conflict("no_result", kind="batch")
    key = _batch_key(batch, finished)
    if batch.zip_key != key:
        renditions.ask(key, "zip_batch", batch.owner_id, batch=batch.pk)
        return None
    return _url(batch, LINK_LIFETIME, batch.expires_at)


def shared_zip_url(share: Share) -> str | None:
    """Return a link, valid for a minute or two, to the ZIP of an open share; None while the worker makes it.

    Raises Gone if the share has no results any more, NotMade if the ZIP could not be made.
    """
    shown = list(share.jobs.filter(status=Job.Status.FINISHED).values_list("pk", flat=True))
    if not shown:
        raise Gone(kind="results")
    key = _share_key(share, shown)
    if share.zip_key != key:
        renditions.ask(key, "zip_share", share.owner_id, share=share.pk)
        return None
    return _url(share, SHARED_LIFETIME, min(share.expires_at, share.batch.expires_at))


def zip_name(row: Batch | Share) -> str:
    """Return the file name of the ZIP: the creation date and the first four digits of the id."""
    return f"images-{row.created_at:%Y-%m-%d}-{str(row.pk)[:4]}.zip"


def make_zip(batch_id: uuid.UUID) -> None:
    """Store a ZIP of the results finished so far, with a manifest of all jobs.

    Raises StorageFault if a retry may help.
    """
    batch = Batch.objects.filter(pk=batch_id).first()
    if batch is None or batch.is_expired:
        return
    jobs = list(batch.jobs.select_related("upload").prefetch_related("sources").order_by("position"))
    finished = [job for job in jobs if job.has_result]
    key = _batch_key(batch, [job.pk for job in finished])
    if finished and batch.zip_key != key:
        parts = archived(finished, result_paths(finished), key, lambda paths: _lists(jobs, paths))
        _store(batch, key, parts, lambda: Batch.objects.filter(expired_at=None))


def make_shared_zip(share_id: uuid.UUID) -> None:
    """Store a ZIP of the results in a share, without folders or the names of the originals.

    Raises StorageFault if a retry may help.
    """
    share = Share.objects.open(timezone.now()).select_related("batch").filter(pk=share_id).first()
    if share is None:
        return
    shown = (
        share.jobs.filter(status=Job.Status.FINISHED).select_related("upload", "batch").order_by("position")
    )
    finished = list(shown)
    key = _share_key(share, [job.pk for job in finished])
    if finished and share.zip_key != key:
        parts = archived(finished, flat_names(finished), key)
        _store(share, key, parts, lambda: Share.objects.open(timezone.now()))


def _url(row: Batch | Share, lifetime: timedelta, until: datetime) -> str:
    return storage.results.download_url(
        row.zip_key, filename=zip_name(row), content_type=MIME, lifetime=lifetime, until=until
    )


def _batch_key(batch: Batch, finished: Iterable[uuid.UUID]) -> str:
    return f"results/{batch.owner_id}/batches/{batch.pk}/{_digest(finished)}.zip"


def _share_key(share: Share, shown: Iterable[uuid.UUID]) -> str:
    batch = share.batch
    return f"results/{batch.owner_id}/batches/{batch.pk}/shares/{share.pk}/{_digest(shown)}.zip"


def _digest(jobs: Iterable[uuid.UUID]) -> str:
    return hashlib.sha256("".join(sorted(map(str, jobs))).encode()).hexdigest()[:16]


def _store(row: Batch | Share, key: str, parts: Iterator[bytes], rows: Callable[[], QuerySet[Any]]) -> None:
    """Store the parts as the row's ZIP, and remove it again if the row is no longer among `rows`."""
    if not renditions.claim(key):
        return
    try:
        storage.results.put_parts(key, parts, filename=zip_name(row), content_type=MIME)
    except StorageFault as exc:
        renditions.let_go(key, exc)
        if isinstance(exc, storage.NoRoom):
            return
        raise
    if not rows().filter(pk=row.pk).update(zip_key=key):
        storage.results.remove([key])  # the batch or share has ended meanwhile
    elif row.zip_key:
        storage.results.remove([row.zip_key])  # the previous ZIP
    renditions.done(key)


def _lists(jobs: Sequence[Job], paths: Paths) -> Iterator[tuple[str, str | bytes]]:
    """Yield the path and content of the other files in a batch's ZIP."""
    there = [job for job in jobs if job.pk in paths]
    yield from icons.manifests(there, paths)
    if html := picture.snippets(there):
        yield SNIPPET, picture.page_of(html)
    # With a byte order mark, so that Excel reads it as UTF-8.
    yield MANIFEST, _manifest(jobs, paths).encode("utf-8-sig")


def _manifest(jobs: Sequence[Job], names: Mapping[uuid.UUID, str]) -> str:
    text = io.StringIO()
    table = csv.writer(text)
    table.writerow(["file", "source", "status", "bytes_before", "bytes_after", "width", "height", "error"])
    for job in jobs:
        is_missing = job.has_result and job.pk not in names
        table.writerow(
            [
                _plain(names.get(job.pk, "")),
                _plain("; ".join(upload.name for upload in job.uploads)),
                "missing" if is_missing else job.status,
                sum(upload.size for upload in job.uploads),
                job.result_size or "",
                job.result_width or "",
                job.result_height or "",
                Message("result_missing").text if is_missing else job.error_message,
            ]
        )
    return text.getvalue()


def _plain(cell: str) -> str:
    """Return the cell, escaped if a spreadsheet would take it for a formula."""
    return f"'{cell}" if cell.startswith(("=", "+", "-", "@", "\t", "\r")) else cell
