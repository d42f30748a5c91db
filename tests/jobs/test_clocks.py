"""Clock jumps of an hour in both directions delay nothing, and work left by a killed server is resumed."""

from __future__ import annotations

import io
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from converter import jobs, storage
from converter.jobs import leases, sweep
from converter.models import Batch, Job, Rendition, Upload
from converter.storage import NoRoom
from tests.fakes import RecordingDispatch
from tests.jobs.conftest import Send, files, statuses, submit, the_job

pytestmark = [
    pytest.mark.long,
    pytest.mark.django_db(transaction=False),
    pytest.mark.postgres,
    pytest.mark.usefixtures("commit_at_once"),
]


@pytest.fixture
def waiting(alice: Any, send: Send, worker: RecordingDispatch, photo: bytes) -> Batch:
    """Return a batch whose image has arrived, but for which no worker was requested."""
    batch = submit(alice, "a.jpg")
    send(batch, photo)
    upload = the_job(batch).upload
    jobs.receive(upload.key, storage.uploads.stat(upload.key))
    worker.asked.clear()
    return batch


@pytest.fixture
def an_hour_ahead(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """Set the clock an hour ahead; `undo()` turns it back."""
    real = timezone.now

    def ahead() -> datetime:
        return real() + timedelta(hours=1)

    with monkeypatch.context() as patch:
        patch.setattr("django.utils.timezone.now", ahead)
        yield patch


def test_a_job_whose_worker_was_killed_before_the_clock_was_turned_back_is_done(
    waiting: Batch, worker: RecordingDispatch, an_hour_ahead: pytest.MonkeyPatch
) -> None:
    assert leases.claim(the_job(waiting).upload_id)  # and then the worker was killed
    an_hour_ahead.undo()
    assert sweep.sweep()["freed"] == 1
    worker.work()
    assert statuses(waiting) == ["finished"]


def test_a_job_sent_to_a_worker_before_the_clock_was_set_back_is_sent_again(
    waiting: Batch, worker: RecordingDispatch, an_hour_ahead: pytest.MonkeyPatch
) -> None:
    Job.objects.update(asked_at=timezone.now())
    an_hour_ahead.undo()
    sweep.sweep()
    worker.work()
    assert statuses(waiting) == ["finished"]


def test_a_zip_requested_before_the_clock_was_set_back_is_made(
    waiting: Batch, worker: RecordingDispatch, an_hour_ahead: pytest.MonkeyPatch
) -> None:
    sweep._ask_for_waiting(timezone.now() + timedelta(hours=1))
    worker.work()
    assert jobs.zip_url(waiting) is None
    worker.asked.clear()  # the worker that took it was killed
    Rendition.objects.update(working_until=timezone.now() + timedelta(minutes=2), attempts=1)
    an_hour_ahead.undo()
    assert jobs.zip_url(waiting) is None
    worker.work()
    waiting.refresh_from_db()
    assert jobs.zip_url(waiting)


def test_a_clock_that_is_fast_takes_no_job_from_its_worker(
    waiting: Batch, an_hour_ahead: pytest.MonkeyPatch
) -> None:
    assert leases.claim(the_job(waiting).upload_id)
    assert sweep.sweep()["freed"] == 0


def test_a_job_that_was_queued_an_hour_ago_by_a_wrong_clock_waits_for_room_like_any_other(
    waiting: Batch, worker: RecordingDispatch, monkeypatch: pytest.MonkeyPatch
) -> None:
    an_hour_ago = timezone.now() - timedelta(hours=1, minutes=1)
    Job.objects.update(queued_at=an_hour_ago, asked_at=an_hour_ago)
    sweep.sweep()

    def refuse(*args: Any, **options: Any) -> None:
        raise NoRoom

    with monkeypatch.context() as patch:
        patch.setattr(storage.results, "put", refuse)
        with pytest.raises(NoRoom):
            worker.work()
    sweep.sweep()
    assert statuses(waiting) == ["queued"]


@pytest.mark.parametrize("hours", [-12, -1, 1, 12])
def test_setting_the_clock_fails_no_waiting_job(
    waiting: Batch, alice: Any, hours: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    awaited, real = submit(alice, "b.jpg"), timezone.now
    for turned in (hours, 0):  # forward and back
        monkeypatch.setattr("django.utils.timezone.now", lambda by=turned: real() + timedelta(hours=by))
        sweep.sweep()
    assert (statuses(waiting), statuses(awaited)) == (["queued"], ["awaiting_upload"])


@pytest.mark.parametrize("hours", [-1, 1])
def test_setting_the_clock_during_a_conversion_does_not_fail_it(
    waiting: Batch, worker: RecordingDispatch, hours: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = timezone.now
    for turn in range(leases.MAX_ATTEMPTS):
        assert leases.claim(the_job(waiting).upload_id)
        now = real() + timedelta(hours=hours * (turn + 1))
        monkeypatch.setattr("django.utils.timezone.now", lambda now=now: now)
        assert sweep.sweep()["freed"] == 1
    worker.work()
    assert statuses(waiting) == ["finished"]


# --- A killed server ---------------------------------------------------------------------------------------


def test_partial_files_are_deleted_at_the_next_start(folders: Path) -> None:
    class Killed(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            raise SystemExit

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("converter.storage.folder.os.unlink", lambda path: None)
        with pytest.raises(SystemExit):
            storage.uploads.put("uploads/a/b", Killed(), filename="", content_type="")
    assert len(files(folders)) == 1
    sweep.sweep()  # another worker may still be writing
    assert len(files(folders)) == 1
    jobs.recover()
    assert files(folders) == []


def test_a_server_that_is_killed_sometimes_does_not_fail_an_image(
    waiting: Batch, worker: RecordingDispatch
) -> None:
    for _ in range(leases.MAX_HINDERED):
        assert leases.claim(the_job(waiting).upload_id)
        jobs.recover()
    worker.work()
    assert statuses(waiting) == ["finished"]


def test_an_image_that_kills_the_server_at_each_start_fails(
    waiting: Batch, worker: RecordingDispatch
) -> None:
    for _ in range(leases.MAX_HINDERED + leases.MAX_ATTEMPTS):
        assert leases.claim(the_job(waiting).upload_id)
        jobs.recover()
    sweep.sweep()
    assert the_job(waiting).error_code == "gave_up"


def test_a_zip_whose_worker_was_killed_is_made_at_the_next_start(
    waiting: Batch, worker: RecordingDispatch
) -> None:
    sweep._ask_for_waiting(timezone.now() + timedelta(hours=1))
    worker.work()
    jobs.zip_url(waiting)
    Rendition.objects.update(
        working_until=timezone.now() + timedelta(minutes=2), asked_at=timezone.now() - timedelta(minutes=2)
    )
    jobs.recover()
    worker.asked.clear()
    assert jobs.zip_url(waiting) is None
    assert [target for target, _ in worker.asked] == ["converter.events.dispatched.zip_batch"]


def test_a_zip_stored_by_a_killed_worker_is_deleted_with_its_batch(
    waiting: Batch, worker: RecordingDispatch, folders: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sweep._ask_for_waiting(timezone.now() + timedelta(hours=1))
    worker.work()
    jobs.zip_url(waiting)

    put_parts = storage.results.put_parts

    def put_and_die(*args: Any, **options: Any) -> None:
        put_parts(*args, **options)
        raise SystemExit

    with monkeypatch.context() as patch:
        patch.setattr(storage.results, "put_parts", put_and_die)
        with pytest.raises(SystemExit):
            jobs.make_zip(waiting.pk)
    assert any(path.suffix == ".zip" for path in files(folders))
    jobs.remove(Batch.objects.get())
    assert files(folders) == []
    assert not Upload.objects.exists()
