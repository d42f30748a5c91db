"""Where bytes live: `uploads` (what people send) and `results` (what we make). Each is a `Bucket`.

The twins are `folder.FolderStorage` (home) and `s3.S3Bucket` (cloud); settings.STORAGES chooses one, and no caller
knows which.
"""

from __future__ import annotations

import math
import re
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import IO, Protocol, cast
from urllib.parse import quote

from django.core.files.storage import storages
from django.utils.http import content_disposition_header


class StorageFault(Exception):
    """The store did not answer as it should; trying again may help. A missing object is FileNotFoundError."""


class NoRoom(StorageFault):
    """The store is full. Trying again helps once there is room."""


@dataclass(frozen=True)
class Stored:
    """One object as the store describes it: size in bytes, entity tag."""

    size: int
    etag: str


@dataclass(frozen=True)
class UploadForm:
    """A form that may be posted for a short while to send exactly one object.

    `fields` go first; the file comes last, under the name `file`.
    """

    url: str
    fields: dict[str, str]


class Bucket(Protocol):
    """What both twins can do. Sizes are in bytes.

    Every method raises StorageFault if the store does not answer as it should, and writing raises NoRoom if it is full.
    """

    bucket_name: str

    def put(self, key: str, content: IO[bytes], *, filename: str, content_type: str) -> Stored:
        """Write the object, completely or not at all; return what is stored."""

    def put_parts(self, key: str, parts: Iterator[bytes], *, filename: str, content_type: str) -> Stored:
        """Write an object of any size part by part, completely or not at all; return what is stored."""

    def read(self, key: str) -> tuple[bytes, Stored]:
        """Return the bytes of the object. Raises FileNotFoundError if there is none."""

    def stat(self, key: str) -> Stored:
        """Return the size and entity tag of the object. Raises FileNotFoundError if there is none."""

    def remove(self, keys: Iterable[str]) -> None:
        """Delete the objects; missing ones are ignored."""

    def remove_partial(self, before: datetime) -> int:
        """Delete incomplete objects that have not been written to since `before`; return how many."""

    def upload_form(self, key: str, *, max_size: int, lifetime: timedelta, filename: str = "") -> UploadForm:
        """Return a form that sends this object, at most `max_size` bytes, within `lifetime`; `filename` is for downloads."""

    def has_room(self, size: int) -> bool:
        """Return whether an object of this many bytes would fit. Raises StorageFault where none is taken at all."""

    def download_url(
        self, key: str, *, filename: str, content_type: str, lifetime: timedelta, until: datetime
    ) -> str:
        """Return a link that downloads this object, for about `lifetime` and never after `until`."""


def attachment(filename: str) -> str:
    """Return the Content-Disposition of a download. Browsers decode `%25` in a plain `filename` (RFC 6266, appendix D)."""
    if re.search("%[0-9A-Fa-f]{2}", filename):
        return f"attachment; filename*=utf-8''{quote(filename)}"
    return content_disposition_header(True, filename) or "attachment"


def end_of_link(lifetime: timedelta, until: datetime) -> int:
    """Return when a link ends, in Unix seconds.

    Rounded up, so that a page shown twice has the same links and the browser's cache works.
    """
    step = lifetime.total_seconds()
    return int(min((math.floor(time.time() / step) + 2) * step, until.timestamp()))


uploads: Bucket
results: Bucket


def __getattr__(name: str) -> Bucket:
    # Looked up at each use: settings.STORAGES is read once Django is ready, and tests may point it elsewhere.
    if name not in ("uploads", "results"):
        raise AttributeError(name)
    return cast(Bucket, storages[name])
