"""The ZIP of a batch, made by the worker on request."""

from __future__ import annotations

import csv
import hashlib
import io
import tempfile
import uuid
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta
from pathlib import PurePosixPath

from django.db.models import Q
from django.utils import timezone

from converter import storage
from converter.jobs.errors import Conflict, Gone
from converter.jobs.links import LINK_LIFETIME
from converter.jobs.tasks import enqueue
from converter.models import Batch, Job


def zip_url(batch: Batch) -> str | None:
    """Return a link to the ZIP of all finished results; None while the worker makes it.

    Raises Gone if the batch has expired, Conflict if no result is finished, StorageFault.
    """
    if batch.is_expired:
        raise Gone(kind="results")
    finished = list(batch.jobs.filter(status=Job.Status.FINISHED).values_list("pk", flat=True))
    if not finished:
        raise Conflict("no_result", kind="batch")
    key = _zip_key(batch, finished)
    if batch.zip_key == key:
        return storage.results.download_url(
            key,
            filename=zip_name(batch),
            content_type="application/zip",
            lifetime=LINK_LIFETIME,
            until=batch.expires_at,
        )
    now = timezone.now()
    due = Q(zip_asked_at=None) | Q(zip_asked_at__lt=now - timedelta(minutes=1)) | ~Q(zip_key="")
    if batch.zip_key:
        storage.results.remove([batch.zip_key])  # of what was finished then
    if Batch.objects.filter(due, pk=batch.pk).update(zip_asked_at=now, zip_key=""):
        enqueue("zip_batch", batch=batch.pk)
    return None


def zip_name(batch: Batch) -> str:
    return f"images-{batch.created_at:%Y-%m-%d}-{str(batch.pk)[:4]}.zip"


def make_zip(batch_id: uuid.UUID) -> None:
    """Store the ZIP of what is finished now, with a manifest of all jobs. Raises StorageFault, FileNotFoundError."""
    batch = Batch.objects.filter(pk=batch_id).first()
    if batch is None or batch.is_expired:
        return
    jobs = list(batch.jobs.select_related("upload").order_by("position"))
    finished = [job for job in jobs if job.has_result]
    if not finished:
        return
    key = _zip_key(batch, [job.pk for job in finished])
    if batch.zip_key == key:
        return
    with tempfile.TemporaryFile() as file:
        with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
            names = dict(
                zip((job.pk for job in finished), _unique(job.result_name for job in finished), strict=True)
            )
            for job in finished:
                data, _ = storage.results.read(job.result_key)
                archive.writestr(names[job.pk], data)
            archive.writestr("manifest.csv", _manifest(jobs, names))
        file.seek(0)
        storage.results.put(key, file, filename=zip_name(batch), content_type="application/zip")
    if not Batch.objects.filter(pk=batch.pk, expired_at=None).update(zip_key=key):
        storage.results.remove([key])  # expired or deleted meanwhile


def _zip_key(batch: Batch, finished: Iterable[uuid.UUID]) -> str:
    contents = hashlib.sha256("".join(sorted(map(str, finished))).encode()).hexdigest()[:16]
    return f"results/{batch.owner_id}/batches/{batch.pk}/{contents}.zip"


def _unique(names: Iterable[str]) -> Iterator[str]:
    """Yield the names, those seen before (letter case aside) with a number."""
    seen: set[str] = set()
    for name in names:
        stem, suffix = PurePosixPath(name).stem, PurePosixPath(name).suffix
        number = 1
        while name.casefold() in seen or name.casefold() == "manifest.csv":
            number += 1
            name = f"{stem} ({number}){suffix}"
        seen.add(name.casefold())
        yield name


def _manifest(jobs: Sequence[Job], names: dict[uuid.UUID, str]) -> str:
    text = io.StringIO()
    table = csv.writer(text)
    table.writerow(["file", "source", "status", "bytes_before", "bytes_after", "width", "height", "error"])
    for job in jobs:
        table.writerow(
            [
                _plain(names.get(job.pk, "")),
                _plain(job.upload.name),
                job.status,
                job.upload.size,
                job.result_size or "",
                job.result_width or "",
                job.result_height or "",
                job.error_message,
            ]
        )
    return text.getvalue()


def _plain(cell: str) -> str:
    """Return the cell so that no spreadsheet takes it for a formula."""
    return f"'{cell}" if cell[:1] in "=+-@\t\r" else cell
