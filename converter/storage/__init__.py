"""File storage: the buckets `uploads` (what users send) and `results` (what jobs make).

The twins are `folder.FolderStorage` (home) and `s3.S3Bucket` (cloud). settings.STORAGES chooses one; callers
do not know which.
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
    """The storage failed; a retry may help. A missing object raises FileNotFoundError instead."""


class NoRoom(StorageFault):
    """The storage is full. A retry helps once there is room."""


@dataclass(frozen=True)
class Stored:
    """The size in bytes and the entity tag of a stored object."""

    size: int
    etag: str


@dataclass(frozen=True)
class UploadForm:
    """A form that can be posted for a short time to send exactly one object.

    `fields` come first; the file comes last, as field `file`.
    """

    url: str
    fields: dict[str, str]


class Bucket(Protocol):
    """The interface of both twins. Sizes are in bytes.

    Every method raises StorageFault if the storage fails; writing raises NoRoom if it is full.
    """

    bucket_name: str

    def put(self, key: str, content: IO[bytes], *, filename: str, content_type: str) -> Stored:
        """Write the object atomically; return what was stored."""

    def put_parts(self, key: str, parts: Iterator[bytes], *, filename: str, content_type: str) -> Stored:
        """Write an object of any size part by part, atomically; return what was stored."""

    def read(self, key: str) -> tuple[bytes, Stored]:
        """Return the bytes of the object. Raises FileNotFoundError if there is none."""

    def stat(self, key: str) -> Stored:
        """Return the size and entity tag of the object. Raises FileNotFoundError if there is none."""

    def remove(self, keys: Iterable[str]) -> None:
        """Delete the objects; missing ones are ignored."""

    def remove_partial(self, before: datetime) -> int:
        """Delete incomplete objects that have not been written to since `before`; return how many."""

    def upload_form(self, key: str, *, max_size: int, lifetime: timedelta, filename: str = "") -> UploadForm:
        """Return a form, valid for `lifetime`, to send this object with at most `max_size` bytes.

        `filename` is the object's name when it is downloaded.
        """

    def has_room(self, size: int) -> bool:
        """Return whether an object of this size would fit. Raises StorageFault if nothing can be written."""

    def download_url(
        self, key: str, *, filename: str, content_type: str, lifetime: timedelta, until: datetime
    ) -> str:
        """Return a link to download this object, valid for about `lifetime` but not after `until`."""


def attachment(filename: str) -> str:
    """Return the Content-Disposition header of a download.

    Browsers decode `%25` in a plain `filename` (RFC 6266, appendix D).
    """
    if re.search("%[0-9A-Fa-f]{2}", filename):
        return f"attachment; filename*=utf-8''{quote(filename)}"
    return content_disposition_header(True, filename) or "attachment"


def end_of_link(lifetime: timedelta, until: datetime) -> int:
    """Return when a link expires, in Unix seconds.

    Rounded up, so that reloading a page gives the same links and browsers can cache them.
    """
    step = lifetime.total_seconds()
    return int(min((math.floor(time.time() / step) + 2) * step, until.timestamp()))


uploads: Bucket
results: Bucket


def __getattr__(name: str) -> Bucket:
    # Looked up on each use, since settings.STORAGES needs Django to be set up, and tests override it.
    if name not in ("uploads", "results"):
        raise AttributeError(name)
    return cast(Bucket, storages[name])
