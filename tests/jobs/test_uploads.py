from __future__ import annotations

from typing import Any

import pytest

from converter import jobs
from converter.storage import Stored
from tests.conftest import make_photo
from tests.fakes import RecordingDispatch
from tests.jobs.conftest import Send, files, put, statuses, submit, the_job

pytestmark = [
    pytest.mark.django_db(transaction=False),
    pytest.mark.postgres,
    pytest.mark.usefixtures("commit_at_once"),
]


def test_an_unexpected_upload_is_deleted(folders: Any) -> None:
    put("uploads/nobody/x/y", b"bytes")
    assert jobs.receive("uploads/nobody/x/y", Stored(5, "e")) is None
    assert files(folders) == []


@pytest.mark.parametrize("end", [jobs.remove, jobs.expire])
def test_an_upload_for_a_deleted_batch_is_deleted(
    alice: Any, worker: RecordingDispatch, photo: bytes, folders: Any, end: Any
) -> None:
    batch = submit(alice, "a.jpg")
    key = the_job(batch).upload.key
    end(batch)
    put(key, photo)
    worker.work()
    assert files(folders) == []


def test_a_replaced_file_fails_the_unfinished_jobs(
    alice: Any, send: Send, worker: RecordingDispatch, photo: bytes
) -> None:
    batch = submit(alice, "a.jpg")
    send(batch, photo)
    send(batch, make_photo(20, 20))
    worker.work()
    assert the_job(batch).error_code == "upload_replaced"


def test_the_same_bytes_sent_twice_are_one_upload(
    alice: Any, send: Send, worker: RecordingDispatch, photo: bytes
) -> None:
    batch = submit(alice, "a.jpg")
    send(batch, photo)
    send(batch, photo)
    worker.work()
    assert statuses(batch) == ["finished"]


def test_an_upload_after_its_job_was_cancelled_starts_nothing(
    alice: Any, send: Send, worker: RecordingDispatch, photo: bytes
) -> None:
    batch = submit(alice, "a.jpg")
    jobs.cancel(the_job(batch))
    send(batch, photo)
    worker.work()
    assert statuses(batch) == ["cancelled"]
