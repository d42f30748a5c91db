"""Write a ZIP of results as a stream, without keeping it in memory."""

from __future__ import annotations

import io
import time
import uuid
import zipfile
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime

from django.utils import timezone

from converter.jobs import renditions
from converter.jobs.errors import Gone
from converter.jobs.results import read_result
from converter.models import Job

Paths = dict[uuid.UUID, str]

# The range of ZIP timestamps; a machine without a clock battery boots in 1970.
EARLIEST, LATEST = datetime(1980, 1, 1, tzinfo=UTC), datetime(2107, 12, 31, tzinfo=UTC)
READABLE_BY_ALL = 0o100644 << 16  # a Unix mode, so that a web server can read the unpacked files


def archived(
    finished: Iterable[Job],
    paths: Paths,
    key: str,
    more: Callable[[Paths], Iterable[tuple[str, str | bytes]]] = lambda paths: (),
) -> Iterator[bytes]:
    """Yield the bytes of a ZIP of these results, renewing the lease of the rendition `key`.

    `more` is called with the paths of the results found and returns the path and content of each file to add.
    Raises StorageFault.
    """
    paths = dict(paths)
    end = _End()
    renewed = time.monotonic()
    with zipfile.ZipFile(end, "w") as archive:
        for job in finished:
            try:
                data = read_result(job)
            except Gone:
                del paths[job.pk]
                continue
            archive.writestr(_entry(paths[job.pk], job.finished_at), data)
            yield end.take()
            if time.monotonic() - renewed > renditions.LEASE.total_seconds() / 6:
                renewed = time.monotonic()
                renditions.renew(key)
        for path, content in more(paths):
            archive.writestr(_entry(path, timezone.now()), content)
    yield end.take()


def _entry(name: str, moment: datetime | None) -> zipfile.ZipInfo:
    moment = min(max(moment or timezone.now(), EARLIEST), LATEST)
    entry = zipfile.ZipInfo(
        name, (moment.year, moment.month, moment.day, moment.hour, moment.minute, moment.second)
    )
    entry.create_system = 3  # Unix, on every platform
    entry.external_attr = READABLE_BY_ALL
    return entry


class _End(io.RawIOBase):
    """A file that keeps only the bytes not taken yet.

    zipfile seeks back at most to the header of the entry that it has just written.
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
        """Return and discard the bytes written since the last call."""
        data = self._end.getvalue()
        self._begin += len(data)
        self._end = io.BytesIO()
        return data
