"""The home twin: a folder with signed upload forms and signed, expiring links."""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import IO

from django.core.files.storage import FileSystemStorage
from django.utils._os import safe_join
from django.utils.deconstruct import deconstructible

from converter.storage import NoRoom, StorageFault, Stored
from converter.storage.signed import SignedBucket, object_created

CHUNK = 1 << 20
PARTIAL = ".partial"
MOVES = 10  # attempts


@contextmanager
def _faults() -> Iterator[None]:
    try:
        yield
    except FileNotFoundError:
        raise
    except OSError as exc:
        if exc.errno in (errno.ENOSPC, errno.EDQUOT):
            raise NoRoom("The disk is full.") from exc
        raise StorageFault(f"The file could not be written: {exc.strerror}.") from exc


@contextmanager
def _in_place() -> Iterator[None]:
    """Raise StorageFault for FileNotFoundError: while a file is written, only a folder can be missing."""
    try:
        yield
    except FileNotFoundError as exc:
        raise StorageFault("The folder was removed.") from exc


def _move(temporary: str, path: Path) -> None:
    """Move a file to its path. Another process may remove the folder at any time while it is empty."""
    for _ in range(MOVES - 1):
        with suppress(FileNotFoundError):
            path.parent.mkdir(parents=True, exist_ok=True)
            os.replace(temporary, path)
            return
    path.parent.mkdir(parents=True, exist_ok=True)
    os.replace(temporary, path)


@deconstructible(path="converter.storage.folder.FolderStorage")
class FolderStorage(SignedBucket, FileSystemStorage):
    """A folder as a bucket. Every key starts with `bucket`; objects are files below `root`."""

    def __init__(self, bucket: str, root: Path | str) -> None:
        super().__init__(location=root, allow_overwrite=True)
        self.bucket_name = bucket

    def has_room(self, size: int) -> bool:
        with _faults():
            self._partial.mkdir(parents=True, exist_ok=True)
            if not os.access(self._partial, os.W_OK | os.X_OK):
                raise PermissionError(errno.EROFS, os.strerror(errno.EROFS))
            return self.free_bytes >= size

    def put(self, key: str, content: IO[bytes], *, filename: str, content_type: str) -> Stored:
        chunks = iter(lambda: content.read(CHUNK), b"")
        return self.put_parts(key, chunks, filename=filename, content_type=content_type)

    def put_parts(self, key: str, parts: Iterator[bytes], *, filename: str, content_type: str) -> Stored:
        path = self._path(key)
        digest = hashlib.md5(usedforsecurity=False)  # like S3's entity tags
        with _faults(), _in_place():
            self._partial.mkdir(parents=True, exist_ok=True)
            handle, temporary = tempfile.mkstemp(dir=self._partial)
            try:
                with os.fdopen(handle, "wb") as file:
                    for chunk in parts:
                        digest.update(chunk)
                        file.write(chunk)
                    file.flush()
                    os.fsync(file.fileno())
                    size = file.tell()
                _move(temporary, path)
            except BaseException:
                Path(temporary).unlink(missing_ok=True)
                raise
        stored = Stored(size=size, etag=digest.hexdigest())
        object_created.send(sender=type(self), bucket_name=self.bucket_name, key=key, stored=stored)
        return stored

    def read(self, key: str) -> tuple[bytes, Stored]:
        with _faults():
            data = self._path(key).read_bytes()
        return data, Stored(size=len(data), etag=hashlib.md5(data, usedforsecurity=False).hexdigest())

    def stat(self, key: str) -> Stored:
        with _faults(), self._path(key).open("rb") as file:
            digest = hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False))
            return Stored(size=file.tell(), etag=digest.hexdigest())

    def remove(self, keys: Iterable[str]) -> None:
        faults = []
        for path in map(self._path, keys):
            try:
                path.unlink(missing_ok=True)
            except OSError as exc:
                faults.append(exc)  # delete the others all the same, like S3
            self._prune(path.parent)
        if faults:
            raise StorageFault(
                f"{len(faults)} files could not be deleted: {faults[0].strerror}."
            ) from faults[0]

    def open_object(self, key: str) -> tuple[IO[bytes], Stored]:
        with _faults():
            file = self._path(key).open("rb")
        facts = os.fstat(file.fileno())  # a digest would need to read the whole file
        return file, Stored(size=facts.st_size, etag=f"{facts.st_mtime_ns:x}-{facts.st_size:x}")

    def check_key(self, key: str) -> None:
        self._path(key)

    def remove_partial(self, before: datetime) -> int:
        removed = 0
        with _faults():
            for path in self._partial.glob("*"):
                with suppress(FileNotFoundError):  # completed and moved
                    if path.stat().st_mtime < before.timestamp():
                        path.unlink()
                        removed += 1
        return removed

    @property
    def free_bytes(self) -> int:
        return shutil.disk_usage(self.location).free

    @property
    def _partial(self) -> Path:
        """The folder of files being written, so that those of killed processes are in one place."""
        return Path(self.location, self.bucket_name, PARTIAL)

    def _path(self, key: str) -> Path:
        if not key.startswith(f"{self.bucket_name}/"):
            raise ValueError(f"{key!r} is not a key of the bucket {self.bucket_name}.")
        return Path(safe_join(self.location, key))

    def _prune(self, folder: Path) -> None:
        """Remove the folder and its parents while they are empty."""
        top = Path(self.location, self.bucket_name)
        while folder != top and folder.is_relative_to(top):
            try:
                folder.rmdir()
            except OSError:
                return
            folder = folder.parent
