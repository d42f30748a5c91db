from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import OperationalError, connection
from django.utils import timezone

from converter import jobs, storage
from converter.jobs import leases, sweep
from converter.models import Batch, Job, Upload
from converter.storage import StorageFault
from tests.fakes import RecordingDispatch
from tests.jobs.conftest import PNG, Send, statuses, submit, the_job

pytestmark = [
    pytest.mark.long,
    pytest.mark.django_db(transaction=False),
    pytest.mark.postgres,
    pytest.mark.usefixtures("commit_at_once"),
]


def test_expired_batches_are_deleted_with_their_files(
    alice: Any, send: Send, worker: RecordingDispatch, photo: bytes, folders: Any
) -> None:
    batch = submit(alice, "a.jpg")
    send(batch, photo)
    worker.work()
    Batch.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    Upload.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert sweep.sweep()["expired"] == 1
    assert statuses(batch) == ["expired"]
    assert [path for path in folders.rglob("*") if path.is_file()] == []
    with pytest.raises(jobs.Gone):
        jobs.result_url(the_job(batch))
    assert sweep.sweep()["expired"] == 0


def test_a_file_that_cannot_be_deleted_does_not_block_others(
    alice: Any, send: Send, worker: RecordingDispatch, photo: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    batches = [submit(alice, "a.jpg") for _ in range(4)]
    for batch in batches:
        send(batch, photo)
    worker.work()
    stuck, *others = batches
    remove = storage.results.remove

    def refuse(keys: Iterable[str]) -> None:
        if the_job(stuck).result_key in (keys := list(keys)):
            raise StorageFault("Not permitted.")
        remove(keys)

    monkeypatch.setattr(storage.results, "remove", refuse)
    Batch.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    with pytest.raises(StorageFault, match="Not permitted"):
        sweep.sweep()
    assert [statuses(batch) for batch in (stuck, *others)] == [["finished"], *[["expired"]] * 3]


STEPS = [
    "_expire_due", "_delete_lone_uploads", "_tell_again", "_find_lost_uploads", "_end_overdue", "_free_lost_leases",
    "_ask_for_waiting",
]  # fmt: skip


@pytest.mark.parametrize("broken", STEPS)
def test_a_failing_step_of_the_sweep_does_not_block_others(
    broken: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken: list[str] = []

    def taking(step: str) -> int:
        taken.append(step)
        return 0

    for step in STEPS:
        monkeypatch.setattr(sweep, step, lambda now, step=step: taking(step))

    def fail(now: object) -> int:
        raise OperationalError("database or disk is full")

    monkeypatch.setattr(sweep, broken, fail)
    with pytest.raises(OperationalError, match="disk is full"):
        sweep.sweep({"more": lambda: taking("more")})
    assert sorted(taken) == sorted({*STEPS, "more"} - {broken})


@contextmanager
def full_disk(folder: Path) -> Iterator[None]:
    """Refuse every write to the database, like SQLite on a full disk, until a file is deleted."""
    before = len([path for path in folder.rglob("*") if path.is_file()])

    def refuse(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        files = [path for path in folder.rglob("*") if path.is_file()]
        if len(files) == before and sql.startswith(("UPDATE", "INSERT", "DELETE")):
            raise OperationalError("database or disk is full")
        return execute(sql, params, many, context)

    with connection.execute_wrapper(refuse):
        yield


def test_expired_files_are_deleted_on_a_full_disk(
    alice: Any, send: Send, worker: RecordingDispatch, photo: bytes, folders: Any
) -> None:
    batch, waiting = submit(alice, "a.jpg"), submit(alice, "b.jpg")
    send(batch, photo)
    worker.work()
    send(waiting, photo)
    worker.asked.clear()
    Batch.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    Upload.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    Job.objects.update(created_at=timezone.now() - timedelta(hours=7))
    with full_disk(folders):
        sweep.sweep()
    assert [path for path in folders.rglob("*") if path.is_file()] == []
    assert (statuses(batch), statuses(waiting)) == (["expired"], ["cancelled"])


def test_an_upload_used_by_a_younger_batch_stays(
    alice: Any, send: Send, worker: RecordingDispatch, photo: bytes
) -> None:
    old = submit(alice, "a.jpg")
    send(old, photo)
    worker.work()
    upload = the_job(old).upload
    young = jobs.submit.submit(alice, uploads=[upload], outputs=[PNG])
    worker.work()
    Batch.objects.filter(pk=old.pk).update(expires_at=timezone.now() - timedelta(seconds=1))
    sweep.sweep()
    assert statuses(old) == ["expired"]
    assert statuses(young) == ["finished"]
    assert storage.uploads.stat(upload.key).size


def ask_again(times: int) -> None:
    """Run the sweep this many times, each time after waiting jobs may be requested again."""
    for _ in range(times):
        long_ago = timezone.now() - sweep.ASK_AGAIN - timedelta(seconds=1)
        Job.objects.update(asked_at=long_ago, created_at=long_ago)
        sweep.sweep()


def test_a_job_that_no_worker_takes_fails(
    alice: Any, send: Send, worker: RecordingDispatch, photo: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweep, "QUEUE_ASKS", 3)
    batch = submit(alice, "a.jpg")
    send(batch, photo)
    upload = the_job(batch).upload
    jobs.receive(upload.key, storage.uploads.stat(upload.key))
    ask_again(3)
    assert statuses(batch) == ["queued"]
    sweep.sweep()
    assert the_job(batch).error_code == "queue_timed_out"


def test_an_upload_that_never_comes_fails(alice: Any) -> None:
    batch = submit(alice, "a.jpg")
    ask_again(sweep.UPLOAD_ASKS - 1)
    assert statuses(batch) == ["awaiting_upload"]
    ask_again(2)
    assert the_job(batch).error_code == "upload_timed_out"


def test_an_upload_that_arrived_is_kept_even_if_its_event_is_late(
    alice: Any, send: Send, worker: RecordingDispatch, photo: bytes
) -> None:
    batch = submit(alice, "a.jpg")
    send(batch, photo)
    worker.asked.clear()
    long_ago = timezone.now() - timedelta(hours=3)
    Job.objects.update(created_at=long_ago, asked_at=long_ago, asks=sweep.UPLOAD_ASKS)
    assert sweep.sweep()["failed"] == 0
    worker.work()
    assert statuses(batch) == ["finished"]


def test_an_upload_whose_event_was_lost_is_found(
    alice: Any, send: Send, worker: RecordingDispatch, photo: bytes
) -> None:
    batch = submit(alice, "a.jpg")
    send(batch, photo)
    worker.asked.clear()
    Job.objects.update(created_at=timezone.now() - sweep.LOST_EVENT - timedelta(seconds=1))
    assert sweep.sweep()["found"] == 1
    worker.work()
    assert statuses(batch) == ["finished"]


def test_a_job_whose_worker_died_is_retried_and_fails_in_the_end(
    alice: Any, send: Send, worker: RecordingDispatch, photo: bytes
) -> None:
    batch = submit(alice, "a.jpg")
    send(batch, photo)
    upload = the_job(batch).upload
    jobs.receive(upload.key, storage.uploads.stat(upload.key))
    for _ in range(leases.MAX_ATTEMPTS):
        worker.asked.clear()
        assert leases.claim(upload.pk)
        Job.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
        sweep.sweep()
    assert the_job(batch).error_code == "gave_up"
    assert worker.asked == []


def test_a_waiting_job_is_sent_to_a_worker_again_but_not_too_often(
    alice: Any, send: Send, worker: RecordingDispatch, photo: bytes
) -> None:
    batch = submit(alice, "a.jpg")
    send(batch, photo)
    upload = the_job(batch).upload
    jobs.receive(upload.key, storage.uploads.stat(upload.key))
    worker.asked.clear()
    assert sweep.sweep()["asked"] == 0
    Job.objects.update(asked_at=timezone.now() - sweep.ASK_AGAIN - timedelta(seconds=1))
    assert sweep.sweep()["asked"] == 1
    assert sweep.sweep()["asked"] == 0


def test_unfinished_jobs_of_a_suspended_user_are_cancelled(
    alice: Any, bob: Any, send: Send, photo: bytes
) -> None:
    waiting, awaited, of_bob = submit(alice, "a.jpg"), submit(alice, "b.jpg"), submit(bob, "c.jpg")
    send(waiting, photo)
    upload = the_job(waiting).upload
    jobs.receive(upload.key, storage.uploads.stat(upload.key))
    alice.is_active = False
    alice.save()
    assert sweep.sweep()["suspended"] == 2
    assert the_job(waiting).status == the_job(awaited).status == "cancelled"
    assert the_job(of_bob).status == "awaiting_upload"


def test_a_starting_server_resumes_the_jobs_of_a_killed_one(
    alice: Any, send: Send, worker: RecordingDispatch, photo: bytes
) -> None:
    in_work, waiting, unheard, awaited = (submit(alice, "a.jpg") for _ in range(4))
    for batch in (in_work, waiting, unheard):
        send(batch, photo)
    for batch in (in_work, waiting):
        upload = the_job(batch).upload
        jobs.receive(upload.key, storage.uploads.stat(upload.key))
    assert leases.claim(the_job(in_work).upload_id)
    worker.asked.clear()
    jobs.recover()
    worker.work()
    assert [statuses(batch)[0] for batch in (in_work, waiting, unheard)] == ["finished"] * 3
    assert statuses(awaited) == ["awaiting_upload"]
