"""A ZIP of results, file by file: nothing of it is kept."""

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

# What a ZIP can say; a machine without a battery for its clock starts in 1970.
EARLIEST, LATEST = datetime(1980, 1, 1, tzinfo=UTC), datetime(2107, 12, 31, tzinfo=UTC)
READABLE_BY_ALL = 0o100644 << 16  # as Unix keeps modes in a ZIP: a web server may read what is unpacked


def archived(
    finished: Iterable[Job],
    paths: Paths,
    key: str,
    more: Callable[[Paths], Iterable[tuple[str, str | bytes]]] = lambda paths: (),
) -> Iterator[bytes]:
    """Yield the bytes of the ZIP of these results, and keep its lease, that of the rendition `key`.

    `more` returns the path and the content of each file to add, by the paths of the results that were there.
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
