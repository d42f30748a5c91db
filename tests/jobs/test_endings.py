"""Nothing waits forever: everything pending ends with its true cause, and can be retried."""

from __future__ import annotations

import csv
import errno
import io
import os
import stat
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from converter import jobs, storage
from converter.engine import Recipe
from converter.jobs import renditions, sweep
from converter.models import Batch, Job, Rendition, Upload
from converter.sandbox import SandboxError
from converter.storage import NoRoom, StorageFault
from tests.fakes import RecordingDispatch
from tests.jobs.conftest import WEBP, Send, put, statuses, submit, the_job

pytestmark = [
    pytest.mark.django_db(transaction=False),
    pytest.mark.postgres,
    pytest.mark.usefixtures("commit_at_once"),
]


@pytest.fixture
def finished(alice: Any, send: Send, worker: RecordingDispatch, photo: bytes) -> Batch:
    batch = submit(alice, "a.jpg", "b.jpg")
    send(batch, photo, photo)
    worker.work()
    return batch


@pytest.fixture
def no_room(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """Simulate a full disk; `undo()` makes room."""

    def refuse(*args: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("converter.storage.folder.os.replace", refuse)
        yield patch


def later(**after: int) -> None:
    """Let this much time pass for pending renditions."""
    for row in Rendition.objects.all():
        passed = timedelta(**after)
        row.since, row.asked_at = row.since - passed, row.asked_at - passed
        row.working_until = row.working_until and row.working_until - passed
        row.save()


def read_zip(batch: Batch) -> zipfile.ZipFile:
    batch.refresh_from_db()
    return zipfile.ZipFile(io.BytesIO(storage.results.read(batch.zip_key)[0]))


# --- The ZIP -----------------------------------------------------------------------------------------------


def test_a_zip_that_finds_no_space_says_so_and_is_made_later(
    finished: Batch, worker: RecordingDispatch, no_room: pytest.MonkeyPatch
) -> None:
    assert jobs.zip_url(finished) is None
    worker.work()
    for _ in range(3):
        with pytest.raises(jobs.NotMade) as refusal:
            jobs.zip_url(finished)
        assert refusal.value.code == "no_room"
    assert worker.asked == []  # no worker is requested while it cannot succeed
    no_room.undo()
    later(minutes=2)
    assert jobs.zip_url(finished) is None
    worker.work()
    finished.refresh_from_db()
    assert jobs.zip_url(finished)
    assert not Rendition.objects.exists()


def test_a_zip_whose_worker_is_always_killed_fails(
    finished: Batch, worker: RecordingDispatch, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(*args: Any, **options: Any) -> None:
        raise SystemExit

    monkeypatch.setattr(storage.results, "put_parts", die)
    for _ in range(3):
        assert jobs.zip_url(finished) is None
        with pytest.raises(SystemExit):
            worker.work()
        assert jobs.zip_url(finished) is None
        assert worker.asked == []  # another worker may still be working on it
        later(minutes=3)
    with pytest.raises(jobs.NotMade, match="failed three times"):
        jobs.zip_url(finished)


def test_a_zip_that_no_worker_makes_fails(finished: Batch, worker: RecordingDispatch) -> None:
    assert jobs.zip_url(finished) is None
    for _ in range(renditions.LEAST_ASKS):
        later(minutes=6)
        assert jobs.zip_url(finished) is None
    later(minutes=6)
    with pytest.raises(jobs.NotMade) as refusal:
        jobs.zip_url(finished)
    assert refusal.value.code == "queue_timed_out"


def test_a_zip_requested_an_hour_ago_by_a_wrong_clock_is_made(
    finished: Batch, worker: RecordingDispatch
) -> None:
    assert jobs.zip_url(finished) is None
    later(minutes=61)
    assert jobs.zip_url(finished) is None
    worker.work()
    finished.refresh_from_db()
    assert jobs.zip_url(finished)


def test_a_failing_storage_is_tried_three_times(
    finished: Batch, worker: RecordingDispatch, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*args: Any, **options: Any) -> None:
        raise StorageFault("S3 says 503")

    monkeypatch.setattr(storage.results, "put_parts", fail)
    for _ in range(3):
        later(minutes=2)
        assert jobs.zip_url(finished) is None
        with pytest.raises(StorageFault):
            worker.work()
    with pytest.raises(jobs.NotMade):
        jobs.zip_url(finished)


def test_two_workers_do_not_make_one_zip(finished: Batch, worker: RecordingDispatch) -> None:
    jobs.zip_url(finished)
    Rendition.objects.update(working_until=timezone.now() + timedelta(minutes=1))
    worker.work()
    finished.refresh_from_db()
    assert finished.zip_key == ""


def test_a_result_that_is_gone_is_left_out_and_the_manifest_says_so(
    finished: Batch, worker: RecordingDispatch
) -> None:
    first, second = finished.jobs.select_related("upload").order_by("position")
    storage.results.remove([first.result_key])
    jobs.zip_url(finished)
    worker.work()
    with read_zip(finished) as archive:
        assert archive.namelist() == ["b.webp", "manifest.csv"]
        assert archive.read("b.webp") == storage.results.read(second.result_key)[0]
        raw = archive.read("manifest.csv")
    assert raw.startswith("\ufeff".encode())  # Excel then reads it as UTF-8
    rows = list(csv.DictReader(io.StringIO(raw.decode("utf-8-sig"))))
    assert [(row["file"], row["status"]) for row in rows] == [("", "missing"), ("b.webp", "finished")]
    assert "missing from storage" in rows[0]["error"]


@pytest.mark.long
def test_unpacked_files_have_names_for_windows_and_are_readable_by_everybody(
    alice: Any, send: Send, worker: RecordingDispatch, photo: bytes
) -> None:
    names = ["a:b.jpg", "CON.jpg", "con.png", "漢" * 85, "漢" * 85, "😀", "Dr. Smith", "v1.2", "100%25.png"]
    batch = submit(alice, *names)
    send(batch, *[photo] * len(names))
    worker.work()
    jobs.zip_url(batch)
    worker.work()
    with read_zip(batch) as archive:
        assert archive.testzip() is None
        entries = archive.infolist()
    made = [entry.filename for entry in entries]
    assert made[:3] == ["a_b.webp", "_CON.webp", "_con (2).webp"]
    assert made[5:] == ["😀.webp", "Dr. Smith.webp", "v1.2.webp", "100%25.webp", "manifest.csv"]
    assert len({name.casefold() for name in made}) == len(made)
    for entry in entries:
        assert len(entry.filename.encode()) <= 255
        assert stat.S_IMODE(entry.external_attr >> 16) == 0o644
        assert entry.flag_bits & 0x08 == 0  # sizes precede the data, for programs that read sequentially
        assert entry.filename.isascii() or entry.flag_bits & 0x800  # UTF-8


@pytest.mark.parametrize("year", [1970, 2200])
def test_a_wrong_clock_does_not_prevent_a_zip(finished: Batch, worker: RecordingDispatch, year: int) -> None:
    Job.objects.update(finished_at=datetime(year, 1, 1, tzinfo=UTC))
    jobs.zip_url(finished)
    worker.work()
    with read_zip(finished) as archive:
        assert archive.namelist() == ["a.webp", "b.webp", "manifest.csv"]
        assert archive.infolist()[0].date_time[0] in (1980, 2107)


def test_a_zip_needs_no_space_for_a_copy_and_memory_for_only_one_result(
    finished: Batch, worker: RecordingDispatch, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "nowhere"))
    parts: list[int] = []
    put_parts = storage.results.put_parts

    def watch(key: str, content: Iterator[bytes], **options: Any) -> Any:
        def watched() -> Iterator[bytes]:
            for part in content:
                parts.append(len(part))
                yield part

        return put_parts(key, watched(), **options)

    monkeypatch.setattr(storage.results, "put_parts", watch)
    jobs.zip_url(finished)
    worker.work()
    with read_zip(finished) as archive:
        assert archive.testzip() is None
    assert len(parts) == 3


# --- Previews ----------------------------------------------------------------------------------------------


def test_a_preview_that_cannot_be_made_says_why(
    finished: Batch, worker: RecordingDispatch, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = finished.jobs.select_related("upload", "batch")[0]
    put(job.upload.key, b"no image any more")
    worker.asked.clear()
    assert jobs.preview_urls(job) is None
    worker.work()
    with pytest.raises(jobs.NotMade) as refusal:
        jobs.preview_urls(job)
    assert refusal.value.code == "not_an_image"


def test_a_sandbox_that_does_not_start_ends_a_preview_after_three_times(
    finished: Batch, worker: RecordingDispatch, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*args: Any, **options: Any) -> None:
        raise SandboxError("no memory")

    monkeypatch.setattr("converter.jobs.previews.SANDBOX.render", fail)
    job = finished.jobs.select_related("upload", "batch")[0]
    for _ in range(3):
        later(minutes=2)
        assert jobs.preview_urls(job) is None
        with pytest.raises(SandboxError):
            worker.work()
    with pytest.raises(jobs.NotMade):
        jobs.preview_urls(job)


@pytest.mark.long
def test_unused_previews_are_deleted(finished: Batch) -> None:
    jobs.zip_url(finished)
    later(hours=25)
    assert sweep.sweep()["renditions"] == 1


# --- Results and uploads -----------------------------------------------------------------------------------


@pytest.mark.long
def test_a_result_that_does_not_fit_on_the_disk_fails_with_that_reason(
    alice: Any,
    send: Send,
    worker: RecordingDispatch,
    photo: bytes,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    batch = submit(alice, "a.jpg")
    send(batch, photo)

    def full(*args: Any, **options: Any) -> None:
        raise NoRoom("The disk is full.")

    with monkeypatch.context() as patch:
        patch.setattr(storage.results, "put", full)
        with pytest.raises(RuntimeError):
            worker.work()
    assert statuses(batch) == ["queued"]  # there may be space again soon
    worker.asked.clear()
    worker.asked.clear()
    with monkeypatch.context() as patch:
        patch.setattr(storage.results, "put", full)
        for _ in range(sweep.ROOM_TRIES - 1):
            Job.objects.update(asked_at=timezone.now() - sweep.ASK_AGAIN - timedelta(seconds=1))
            sweep.sweep()
            assert statuses(batch) == ["queued"]
            with pytest.raises(NoRoom):
                worker.work()
            worker.asked.clear()
    sweep.sweep()
    assert the_job(batch).error_code == "no_room"
    jobs.retry(the_job(batch))
    worker.work()
    assert statuses(batch) == ["finished"]
    assert the_job(batch).error is None


@pytest.mark.long
@pytest.mark.parametrize("fault", [OSError(errno.ENOSPC, "full"), OSError(errno.EDQUOT, "quota")])
def test_a_full_disk_is_distinguished_from_other_faults(
    fault: OSError, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*args: Any) -> None:
        raise fault

    monkeypatch.setattr(os, "fsync", refuse)
    with pytest.raises(NoRoom):
        put("uploads/a/b", b"x")


def test_a_batch_may_take_hours_to_send_as_long_as_its_files_keep_coming(
    alice: Any, send: Send, worker: RecordingDispatch, photo: bytes
) -> None:
    batch = submit(alice, "a.jpg", "b.jpg")
    first = batch.jobs.select_related("upload").order_by("position")[0].upload
    Job.objects.update(created_at=timezone.now() - timedelta(hours=2))
    put(first.key, photo)
    worker.work()
    sweep.sweep()
    assert statuses(batch) == ["finished", "awaiting_upload"]
    Job.objects.update(asks=sweep.UPLOAD_ASKS)
    sweep.sweep()
    assert statuses(batch) == ["finished", "awaiting_upload"]
    Upload.objects.update(received_at=timezone.now() - timedelta(minutes=61))
    sweep.sweep()
    assert statuses(batch) == ["finished", "failed"]


def test_requesting_a_form_counts_as_activity(alice: Any) -> None:
    batch = submit(alice, "a.jpg")
    Job.objects.update(asks=sweep.UPLOAD_ASKS)
    jobs.renew_form(the_job(batch).upload)
    sweep.sweep()
    assert statuses(batch) == ["awaiting_upload"]


def test_a_late_file_restarts_its_jobs(alice: Any, worker: RecordingDispatch, photo: bytes) -> None:
    small = Recipe.parse({"format": "webp", "resize": {"mode": "fit", "width": 20}})
    batch = submit(alice, "a.jpg", outputs=(WEBP, small))
    Job.objects.update(asks=sweep.UPLOAD_ASKS)
    sweep.sweep()
    assert statuses(batch) == ["failed", "failed"]
    put(batch.jobs.select_related("upload")[0].upload.key, photo)
    worker.work()
    assert statuses(batch) == ["finished", "finished"]
    assert [job.error for job in batch.jobs.all()] == [None, None]
