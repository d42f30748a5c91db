"""The ZIP of a batch, made by the worker on request."""

from __future__ import annotations

import csv
import hashlib
import io
import time
import uuid
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime

from django.utils import timezone

from converter import storage
from converter.engine import Message
from converter.jobs import icons, picture, renditions
from converter.jobs.errors import Conflict, Gone
from converter.jobs.links import LINK_LIFETIME
from converter.jobs.names import MANIFEST, SNIPPET, result_paths
from converter.jobs.results import read_result
from converter.models import Batch, Job
from converter.storage import StorageFault

# What a ZIP can say; a machine without a battery for its clock starts in 1970.
EARLIEST, LATEST = datetime(1980, 1, 1, tzinfo=UTC), datetime(2107, 12, 31, tzinfo=UTC)
READABLE_BY_ALL = 0o100644 << 16  # as Unix keeps modes in a ZIP: a web server may read what is unpacked


def zip_url(batch: Batch) -> str | None:
    """Return a link to the ZIP of all finished results; None while the worker makes it.

    Raises Gone if the batch has expired, Conflict if no result is finished, NotMade if it could not be made.
    """
    if batch.is_expired:
        raise Gone(kind="results")
    finished = list(batch.jobs.filter(status=Job.Status.FINISHED).values_list("pk", flat=True))
    if not finished:
        raise Conflict("no_result", kind="batch")
    key = _zip_key(batch, finished)
    if batch.zip_key != key:
        renditions.ask(key, "zip_batch", batch.owner_id, batch=batch.pk)
        return None
    return storage.results.download_url(
        key,
        filename=zip_name(batch),
        content_type="application/zip",
        lifetime=LINK_LIFETIME,
        until=batch.expires_at,
    )


def zip_name(batch: Batch) -> str:
    """Return the file name of a batch's ZIP: its date and the first four digits of its id."""
    return f"images-{batch.created_at:%Y-%m-%d}-{str(batch.pk)[:4]}.zip"


def make_zip(batch_id: uuid.UUID) -> None:
    """Store the ZIP of what is finished now, with a manifest of all jobs. Raises StorageFault if trying again may help."""
    batch = Batch.objects.filter(pk=batch_id).first()
    if batch is None or batch.is_expired:
        return
    jobs = list(batch.jobs.select_related("upload").prefetch_related("sources").order_by("position"))
    finished = [job.pk for job in jobs if job.has_result]
    key = _zip_key(batch, finished)
    if not finished or batch.zip_key == key or not renditions.claim(key):
        return
    try:
        storage.results.put_parts(
            key, _parts(jobs, key), filename=zip_name(batch), content_type="application/zip"
        )
    except StorageFault as exc:
        renditions.let_go(key, exc)
        if isinstance(exc, storage.NoRoom):
            return
        raise
    if not Batch.objects.filter(pk=batch.pk, expired_at=None).update(zip_key=key):
        storage.results.remove([key])  # expired or deleted meanwhile
    elif batch.zip_key:
        storage.results.remove([batch.zip_key])  # of what was finished then
    renditions.done(key)


def _zip_key(batch: Batch, finished: Iterable[uuid.UUID]) -> str:
    contents = hashlib.sha256("".join(sorted(map(str, finished))).encode()).hexdigest()[:16]
    return f"results/{batch.owner_id}/batches/{batch.pk}/{contents}.zip"


def _parts(jobs: Sequence[Job], key: str) -> Iterator[bytes]:
    """Yield the bytes of the ZIP, file by file; nothing of it is kept."""
    finished = [job for job in jobs if job.has_result]
    names = result_paths(finished)
    end = _End()
    renewed = time.monotonic()
    with zipfile.ZipFile(end, "w") as archive:
        for job in finished:
            try:
                data = read_result(job)
            except Gone:
                del names[job.pk]
                continue
            archive.writestr(_entry(names[job.pk], job.finished_at), data)
            yield end.take()
            if time.monotonic() - renewed > renditions.LEASE.total_seconds() / 6:
                renewed = time.monotonic()
                renditions.renew(key)
        for path, manifest in icons.manifests([job for job in finished if job.pk in names], names):
            archive.writestr(_entry(path, timezone.now()), manifest)
        if html := picture.snippets(job for job in finished if job.pk in names):
            archive.writestr(_entry(SNIPPET, timezone.now()), picture.page_of(html))
        # With a byte order mark, by which Excel knows that it is UTF-8.
        archive.writestr(_entry(MANIFEST, timezone.now()), _manifest(jobs, names).encode("utf-8-sig"))
    yield end.take()


def _entry(name: str, moment: datetime | None) -> zipfile.ZipInfo:
    moment = min(max(moment or timezone.now(), EARLIEST), LATEST)
    entry = zipfile.ZipInfo(
        name, (moment.year, moment.month, moment.day, moment.hour, moment.minute, moment.second)
    )
    entry.create_system = 3  # Unix, also where this runs on another
    entry.external_attr = READABLE_BY_ALL
    return entry


class _End(io.RawIOBase):
    """A file of which only the end is kept, that nobody has taken yet.

    zipfile goes back to the header of an entry when it has written the rest, and no further.
    """

    def __init__(self) -> None:
        self._begin = 0
        self._end = io.BytesIO()

    def write(self, data: object) -> int:
        return self._end.write(data)  # type: ignore[arg-type]

    def tell(self) -> int:
        return self._begin + self._end.tell()

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        if whence != io.SEEK_SET:
            raise io.UnsupportedOperation("only from the beginning")
        return self._begin + self._end.seek(offset - self._begin)

    def seekable(self) -> bool:
        return True

    def writable(self) -> bool:
        return True

    def take(self) -> bytes:
        """Return what was written since the last time, and keep it no longer."""
        data = self._end.getvalue()
        self._begin += len(data)
        self._end = io.BytesIO()
        return data


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
    """Return the cell so that no spreadsheet takes it for a formula."""
    return f"'{cell}" if cell.startswith(("=", "+", "-", "@", "\t", "\r")) else cell
