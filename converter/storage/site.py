"""A bucket of any S3-compatible storage, proxied by the site.

Browsers send and fetch through the site, so the storage need not be reachable for them and needs neither CORS
nor notifications.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import IO, Any

from converter.storage import Stored
from converter.storage.s3 import S3Bucket, faults
from converter.storage.signed import SignedBucket, object_created

READ_AHEAD = 1 << 20


class SiteBucket(SignedBucket, S3Bucket):
    """The objects of a bucket whose keys begin with `prefix`."""

    def __init__(self, prefix: str, **options: Any) -> None:
        super().__init__(**options)
        self._prefix = f"{prefix}/"

    def check_key(self, key: str) -> None:
        if not key.startswith(self._prefix):
            raise ValueError(f"{key!r} does not begin with {self._prefix}.")

    def put(self, key: str, content: IO[bytes], *, filename: str, content_type: str) -> Stored:
        return self._announced(key, super().put(key, content, filename=filename, content_type=content_type))

    def put_parts(self, key: str, parts: Iterator[bytes], *, filename: str, content_type: str) -> Stored:
        return self._announced(
            key, super().put_parts(key, parts, filename=filename, content_type=content_type)
        )

    def open_object(self, key: str) -> tuple[IO[bytes], Stored]:
        stored = self.stat(key)
        return io.BufferedReader(_Object(self, key, stored.size), READ_AHEAD), stored

    def read_from(self, key: str, start: int) -> IO[bytes]:
        """Return a stream of an object's bytes from `start` on. Raises FileNotFoundError, StorageFault."""
        with faults():
            answer = self._client.get_object(Bucket=self.bucket_name, Key=key, Range=f"bytes={start}-")
        body: IO[bytes] = answer["Body"]
        return body

    def _announced(self, key: str, stored: Stored) -> Stored:
        object_created.send(sender=type(self), bucket_name=self.bucket_name, key=key, stored=stored)
        return stored


class _Object(io.RawIOBase):
    """A file-like object: the first read, and the first after a seek, makes a request."""

    def __init__(self, bucket: SiteBucket, key: str, size: int) -> None:
        self._bucket, self._key, self._size = bucket, key, size
        self._position = 0
        self._body: IO[bytes] | None = None

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size}[whence]
        if start + offset != self._position:
            self._drop()
            self._position = start + offset
        return self._position

    def readinto(self, buffer: Any) -> int:
        if self._position >= self._size:
            return 0
        if self._body is None:
            self._body = self._bucket.read_from(self._key, self._position)
        with faults():
            data = self._body.read(len(buffer))
        buffer[: len(data)] = data
        self._position += len(data)
        return len(data)

    def close(self) -> None:
        self._drop()
        super().close()

    def _drop(self) -> None:
        if self._body is not None:
            self._body.close()
            self._body = None
