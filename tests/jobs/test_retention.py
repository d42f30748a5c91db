from __future__ import annotations

import errno
import io
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from django.db import IntegrityError
from django.db.models import QuerySet

from converter import jobs, metadata, storage
from converter.jobs.thumbnails import thumbnail_key
from converter.models import Batch, Job, Upload
from converter.storage import StorageFault
from converter.storage.folder import FolderStorage
from tests.fakes import RecordingDispatch
from tests.jobs.conftest import PNG, WEBP, Send, files, statuses, submit, the_job

pytestmark = [
    pytest.mark.long,
    pytest.mark.django_db(transaction=False),
    pytest.mark.postgres,
    pytest.mark.usefixtures("commit_at_once"),
]


def test_a_file_that_cannot_be_deleted_does_not_block_others_of_its_batch(
    alice: Any,
    send: Send,
    worker: RecordingDispatch,
    photo: bytes,
    folders: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    batch = submit(alice, "a.jpg", outputs=(WEBP, PNG))
    send(batch, photo)
    worker.work()
    stuck = folders / Job.objects.get(position=0).result_key
    unlink = Path.unlink

    def refuse(path: Path, **options: Any) -> None:
        if path == stuck:
            raise PermissionError(errno.EROFS, "Read-only file system")
        unlink(path, **options)

    monkeypatch.setattr(Path, "unlink", refuse)
    with pytest.raises(StorageFault, match="1 files could not be deleted: Read-only"):
        jobs.expire(batch)
    assert not (folders / Job.objects.get(position=1).result_key).exists()


def test_a_result_finished_while_its_batch_expires_is_deleted(
    alice: Any,
    send: Send,
    worker: RecordingDispatch,
    photo: bytes,
    folders: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    batch = submit(alice, "a.jpg")
    send(batch, photo)
    remove = storage.results.remove

    def remove_and_finish(keys: Iterable[str]) -> None:
        remove(keys)
        monkeypatch.setattr(storage.results, "remove", remove)
        worker.work()

    monkeypatch.setattr(storage.results, "remove", remove_and_finish)
    jobs.expire(batch)
    assert statuses(batch) in (["expired"], ["cancelled"])
    assert [path for path in folders.rglob("*") if path.is_file()] == []


@pytest.mark.parametrize("end", [jobs.remove, jobs.expire])
@pytest.mark.parametrize("made", ["thumbnail", "before", ".zip"])
def test_files_made_while_their_batch_is_deleted_are_deleted(
    alice: Any,
    send: Send,
    worker: RecordingDispatch,
    photo: bytes,
    folders: Any,
    monkeypatch: pytest.MonkeyPatch,
    end: Any,
    made: str,
) -> None:
    batch = submit(alice, "a.jpg")
    send(batch, photo)
    real = FolderStorage.put_parts

    def put_late(self: Any, key: str, *args: Any, **options: Any) -> Any:
        if key.endswith(made):
            end(Batch.objects.get())
        return real(self, key, *args, **options)

    monkeypatch.setattr(FolderStorage, "put_parts", put_late)
    worker.work()
    if made != "thumbnail":
        jobs.preview_urls(the_job(batch)) if made == "before" else jobs.zip_url(batch)
        worker.work()
    assert files(folders) == []


def test_a_thumbnail_that_a_killed_worker_left_is_deleted_too(
    alice: Any, send: Send, worker: RecordingDispatch, photo: bytes, folders: Any
) -> None:
    batch = submit(alice, "a.jpg")
    send(batch, photo)
    worker.work()
    Upload.objects.update(thumbnail_key="")
    jobs.remove(batch)
    assert files(folders) == []


def test_a_thumbnail_stored_while_its_image_is_deleted_is_deleted_too(
    alice: Any, send: Send, photo: bytes, folders: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch = submit(alice, "a.jpg")
    send(batch, photo)
    upload, forget = the_job(batch).upload, metadata.store().remove

    def store_and_forget(pk: Any) -> None:
        storage.results.put(thumbnail_key(upload), io.BytesIO(b"x"), filename="", content_type="")
        forget(pk)

    monkeypatch.setattr(type(metadata.store()), "remove", lambda store, pk: store_and_forget(pk))
    jobs.remove(batch)
    assert files(folders) == []


def test_an_image_that_arrives_while_it_is_deleted_is_deleted_too(
    alice: Any, photo: bytes, folders: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    (upload,) = jobs.announce(alice, [jobs.NewFile("a.jpg", len(photo))])
    forget = type(metadata.store()).remove

    def arrive_and_forget(store: Any, pk: Any) -> None:
        jobs.store(
            upload, io.BytesIO(photo)
        )  # the previous bytes are deleted, but the row is not updated yet
        forget(store, pk)

    monkeypatch.setattr(type(metadata.store()), "remove", arrive_and_forget)
    jobs.remove_upload(upload)
    assert files(folders) == []
    assert not Upload.objects.exists()


def test_an_image_whose_preview_starts_while_it_is_deleted_loses_its_bytes(
    alice: Any, photo: bytes, folders: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    (upload,) = jobs.announce(alice, [jobs.NewFile("a.jpg", len(photo))])
    jobs.store(upload, io.BytesIO(photo))

    delete = QuerySet.delete

    def refuse(rows: Any) -> Any:
        if rows.model is Upload:
            raise IntegrityError("FOREIGN KEY constraint failed")  # another request has just added a job
        return delete(rows)

    monkeypatch.setattr(QuerySet, "delete", refuse)
    jobs.remove_upload(upload)
    assert files(folders) == []
    assert Upload.objects.get().deleted_at


def test_a_removed_batch_leaves_nothing(
    alice: Any, send: Send, worker: RecordingDispatch, photo: bytes, folders: Any
) -> None:
    batch = submit(alice, "a.jpg", outputs=(WEBP, PNG))
    send(batch, photo)
    worker.work()
    jobs.remove(batch)
    assert not Batch.objects.exists()
    assert not Job.objects.exists()
    assert not Upload.objects.exists()
    assert [path for path in folders.rglob("*") if path.is_file()] == []
