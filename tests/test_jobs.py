from __future__ import annotations

import errno
import io
import re
import zipfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import OperationalError, connection
from django.utils import timezone
from PIL import Image

from converter import jobs, storage
from converter.engine import Message, Recipe
from converter.jobs import NewFile, run, sweep
from converter.models import Batch, ImageMetadata, Job, Upload
from converter.storage import StorageFault, Stored
from converter.storage.folder import FolderStorage
from tests.conftest import make_photo
from tests.fakes import RecordingDispatch

pytestmark = [pytest.mark.django_db(transaction=False), pytest.mark.postgres]

WEBP = Recipe.parse({"format": "webp"})
PNG = Recipe.parse({"format": "png"})

Send = Callable[..., None]


@pytest.fixture(autouse=True)
def _commit_at_once(django_capture_on_commit_callbacks: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("converter.jobs.tasks.transaction.on_commit", lambda act: act())


def submit(owner: Any, *names: str, outputs: tuple[Recipe, ...] = (WEBP,), size: int = 10_000) -> Batch:
    return jobs.submit.submit(owner, files=[NewFile(name, size) for name in names], outputs=outputs)


def statuses(batch: Batch) -> list[str]:
    return list(batch.jobs.order_by("position").values_list("status", flat=True))


def the_job(batch: Batch) -> Job:
    return batch.jobs.select_related("upload").get()


# --- The whole way ------------------------------------------------------------------------------------------


def test_it_works(alice: Any, send: Send, worker: RecordingDispatch, photo: bytes) -> None:
    batch = submit(alice, "a.jpg", "b.jpg", outputs=(WEBP, PNG))
    assert statuses(batch) == ["awaiting_upload"] * 4
    send(batch, photo, photo)
    worker.work()
    assert statuses(batch) == ["finished"] * 4
    job = batch.jobs.select_related("upload").order_by("position").first()
    assert job
    data, stored = storage.results.read(job.result_key)
    assert Image.open(io.BytesIO(data)).format == "WEBP"
    assert (job.result_size, job.result_width, job.result_height) == (stored.size, 64, 48)
    assert job.upload.format == "jpeg"
    assert job.upload.thumbnail_key
    assert job.report
    assert job.versions
    assert ImageMetadata.objects.get(upload=job.upload).item["width"] == 64


def test_one_upload_is_read_once_for_all_its_outputs(
    alice: Any, send: Send, worker: RecordingDispatch, photo: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch = submit(alice, "a.jpg", outputs=(WEBP, PNG))
    send(batch, photo)
    reads = []
    read = type(storage.uploads).read

    def counted(self: Any, key: str) -> Any:
        reads.append(key)
        return read(self, key)

    monkeypatch.setattr("converter.storage.folder.FolderStorage.read", counted)
    worker.work()
    assert len(reads) == 1


def test_a_duplicate_event_changes_nothing(
    alice: Any, send: Send, worker: RecordingDispatch, photo: bytes
) -> None:
    batch = submit(alice, "a.jpg")
    send(batch, photo)
    target, event = worker.asked[0]
    worker.work()
    before = Job.objects.values().get()
    worker.ask(target, event)
    worker.work()
    assert Job.objects.values().get() == before


def test_a_bad_file_fails_alone(alice: Any, send: Send, worker: RecordingDispatch, photo: bytes) -> None:
    batch = submit(alice, "a.jpg", "b.jpg")
    send(batch, b"%PDF-1.7\n", photo)
    worker.work()
    assert statuses(batch) == ["failed", "finished"]
    assert batch.state == "partially_failed"
    failed = batch.jobs.get(status="failed")
    assert (failed.error_code, failed.error_params) == ("unsupported_format", {"kind": "pdf"})
    assert failed.error_message == Message("unsupported_format", {"kind": "pdf"}).text


# --- Submit -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("files", "outputs", "code"),
    [
        ([], [WEBP], "no_files"),
        ([NewFile("a.jpg", 1)], [], "no_outputs"),
        ([NewFile("a.jpg", 0)], [WEBP], "empty_file"),
        ([NewFile("a.jpg", 10**12)], [WEBP], "too_many_bytes"),
        ([NewFile("a.jpg", 1)] * 201, [WEBP], "too_many_files"),
        ([NewFile("a.jpg", 1)], [WEBP, WEBP], "same_outputs"),
    ],
)
def test_a_submission_that_makes_no_sense_is_refused_whole(
    alice: Any, files: list[NewFile], outputs: list[Recipe], code: str
) -> None:
    with pytest.raises(jobs.InvalidSubmission) as refusal:
        jobs.submit.submit(alice, files=files, outputs=outputs)
    assert refusal.value.code == code
    assert not Batch.objects.exists()


@pytest.mark.parametrize(
    ("sent", "shown"),
    [
        ("photo.jpg", "photo.jpg"),
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\me\\photo.jpg", "photo.jpg"),
        ("", "image"),
        ("///", "image"),
        ("🏖️ Strand.heic", "🏖️ Strand.heic"),
        ("\u202egpj.exe", "gpj.exe"),
        ("a\x00b\nc.png", "abc.png"),
        ("x" * 300 + ".jpeg", "x" * 250 + ".jpeg"),
        (".jpg", "jpg"),
    ],
)
def test_names_are_cleaned(sent: str, shown: str) -> None:
    assert jobs.clean_name(sent) == shown


def test_keys_hold_no_surprises(alice: Any) -> None:
    batch = submit(alice, "../../ü & x?.jpg")
    key = the_job(batch).upload.key
    assert key.startswith(f"uploads/{alice.pk}/")
    assert key.count("/") == 3
    assert ".." not in key
    assert "&" not in key


def test_an_upload_is_converted_again_without_being_sent_again(
    alice: Any, send: Send, worker: RecordingDispatch, photo: bytes
) -> None:
    first = submit(alice, "a.jpg")
    send(first, photo)
    worker.work()
    again = jobs.submit.submit(alice, uploads=[the_job(first).upload], outputs=[PNG])
    assert statuses(again) == ["queued"]
    worker.work()
    assert statuses(again) == ["finished"]


def test_an_upload_that_is_gone_cannot_be_converted_again(alice: Any) -> None:
    upload = the_job(submit(alice, "a.jpg")).upload
    with pytest.raises(jobs.InvalidSubmission, match="no longer here"):
        jobs.submit.submit(alice, uploads=[upload], outputs=[PNG])


def put(key: str, content: bytes) -> None:
    storage.uploads.put(key, io.BytesIO(content), filename="", content_type="")


def files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


# --- Receive ------------------------------------------------------------------------------------------------


def test_what_nobody_awaits_is_not_kept(folders: Any) -> None:
    put("uploads/nobody/x/y", b"bytes")
    assert jobs.receive("uploads/nobody/x/y", Stored(5, "e")) is None
    assert files(folders) == []


@pytest.mark.parametrize("end", [jobs.remove, jobs.expire])
def test_what_is_sent_by_a_form_after_its_batch_is_gone_is_not_kept(
    alice: Any, worker: RecordingDispatch, photo: bytes, folders: Any, end: Any
) -> None:
    batch = submit(alice, "a.jpg")
    key = the_job(batch).upload.key
    end(batch)
    put(key, photo)
    worker.work()
    assert files(folders) == []


def test_other_bytes_under_the_same_key_fail_what_is_not_done(
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


def test_bytes_that_come_after_the_job_was_cancelled_wake_nobody(
    alice: Any, send: Send, worker: RecordingDispatch, photo: bytes
) -> None:
    batch = submit(alice, "a.jpg")
    jobs.cancel(the_job(batch))
    send(batch, photo)
    worker.work()
    assert statuses(batch) == ["cancelled"]


# --- Faults -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", [StorageFault("S3 says 503"), OperationalError("gone")])
def test_a_passing_fault_puts_the_job_back_and_raises(
    alice: Any,
    send: Send,
    worker: RecordingDispatch,
    photo: bytes,
    monkeypatch: pytest.MonkeyPatch,
    fault: Exception,
) -> None:
    batch = submit(alice, "a.jpg")
    send(batch, photo)

    def fail(*args: Any) -> None:
        raise fault

    with monkeypatch.context() as patch:
        patch.setattr("converter.jobs.run._finish", fail)
        with pytest.raises(RuntimeError, match="1 of 1 records failed"):
            worker.work()
    assert statuses(batch) == ["queued"]
    assert run.run(the_job(batch).upload_id) == 1
    assert statuses(batch) == ["finished"]


def test_a_lost_file_fails_with_a_reason(
    alice: Any, send: Send, worker: RecordingDispatch, photo: bytes
) -> None:
    batch = submit(alice, "a.jpg")
    send(batch, photo)
    storage.uploads.remove([the_job(batch).upload.key])
    worker.work()
    assert the_job(batch).error_code == "no_upload"


def test_two_workers_cannot_hold_one_job(alice: Any, send: Send, photo: bytes) -> None:
    batch = submit(alice, "a.jpg")
    send(batch, photo)
    upload = the_job(batch).upload
    jobs.receive(upload.key, storage.uploads.stat(upload.key))
    first = run._claim(upload.pk)
    assert len(first) == 1
    assert run._claim(upload.pk) == []


def test_a_worker_that_lost_its_lease_writes_nothing(alice: Any, send: Send, photo: bytes) -> None:
    batch = submit(alice, "a.jpg")
    send(batch, photo)
    upload = the_job(batch).upload
    jobs.receive(upload.key, storage.uploads.stat(upload.key))
    slow = run._claim(upload.pk)
    Job.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    quick = run._claim(upload.pk)
    assert len(quick) == 1
    run._fail(slow[0], Message("crashed"))
    assert statuses(batch) == ["processing"]
    run._run(quick)
    assert statuses(batch) == ["finished"]


def test_a_fault_of_ours_is_an_error_in_the_log(
    alice: Any, send: Send, photo: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    batch = submit(alice, "a.jpg")
    send(batch, photo)
    upload = the_job(batch).upload
    jobs.receive(upload.key, storage.uploads.stat(upload.key))
    [job] = run._claim(upload.pk)
    run._fail(job, Message("engine_error"))
    [record] = [record for record in caplog.records if record.getMessage() == "Job failed"]
    assert (record.levelname, record.__dict__["job"]) == ("ERROR", str(job.pk))


def test_a_job_cancelled_while_in_work_keeps_no_result(
    alice: Any, send: Send, photo: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch = submit(alice, "a.jpg")
    send(batch, photo)
    job = the_job(batch)
    jobs.receive(job.upload.key, storage.uploads.stat(job.upload.key))
    finish = run._finish

    def cancelled_first(claimed: Job, answer: Any) -> None:
        jobs.cancel(Job.objects.get(pk=claimed.pk))
        finish(claimed, answer)

    monkeypatch.setattr("converter.jobs.run._finish", cancelled_first)
    run.run(job.upload_id)
    assert statuses(batch) == ["cancelled"]
    with pytest.raises(FileNotFoundError):
        storage.results.stat(job.result_key)


# --- Retry, cancel ------------------------------------------------------------------------------------------


def test_a_failed_job_can_be_retried(alice: Any, send: Send, worker: RecordingDispatch, photo: bytes) -> None:
    batch = submit(alice, "a.jpg")
    send(batch, photo)
    worker.work()
    Job.objects.update(status="failed", error_code="crashed")
    job = the_job(batch)
    jobs.retry(job)
    assert (job.status, job.error_code) == ("queued", "")
    worker.work()
    assert statuses(batch) == ["finished"]


@pytest.mark.parametrize("status", ["awaiting_upload", "queued", "processing", "finished", "expired"])
def test_retry_is_refused_where_it_means_nothing(alice: Any, send: Send, photo: bytes, status: str) -> None:
    batch = submit(alice, "a.jpg")
    Upload.objects.update(received_at=timezone.now())
    Job.objects.update(status=status)
    with pytest.raises(jobs.Conflict):
        jobs.retry(the_job(batch))
    assert statuses(batch) == [status]


def test_retry_without_the_file_is_refused(alice: Any) -> None:
    batch = submit(alice, "a.jpg")
    Job.objects.update(status="failed")
    with pytest.raises(jobs.Conflict, match="Send it again"):
        jobs.retry(the_job(batch))


@pytest.mark.parametrize("status", ["finished", "failed", "cancelled", "expired"])
def test_cancel_is_refused_where_it_means_nothing(alice: Any, status: str) -> None:
    batch = submit(alice, "a.jpg")
    Job.objects.update(status=status)
    with pytest.raises(jobs.Conflict):
        jobs.cancel(the_job(batch))
    assert statuses(batch) == [status]


def test_cancelling_a_batch_keeps_what_is_finished(
    alice: Any, send: Send, worker: RecordingDispatch, photo: bytes
) -> None:
    batch = submit(alice, "a.jpg", "b.jpg")
    Job.objects.filter(position=0).update(status="finished")
    assert jobs.cancel_batch(batch) == 1
    assert statuses(batch) == ["finished", "cancelled"]


# --- ZIP, previews ------------------------------------------------------------------------------------------


def test_the_zip_holds_each_result_under_a_name_of_its_own(
    alice: Any, send: Send, worker: RecordingDispatch, photo: bytes
) -> None:
    small = Recipe.parse({"format": "webp", "resize": {"mode": "fit", "width": 20}})
    batch = submit(alice, "a.jpg", "A.jpg", outputs=(WEBP, small))
    send(batch, photo, photo)
    worker.work()
    assert jobs.zip_url(batch) is None
    worker.work()
    batch.refresh_from_db()
    assert jobs.zip_url(batch)
    data, _ = storage.results.read(batch.zip_key)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.namelist() == ["a.webp", "a (2).webp", "A (3).webp", "A (4).webp", "manifest.csv"]
        assert archive.testzip() is None


def test_the_zip_is_made_anew_when_more_is_finished(
    alice: Any, send: Send, worker: RecordingDispatch, photo: bytes
) -> None:
    batch = submit(alice, "a.jpg", "b.jpg")
    send(batch, photo, b"broken")
    worker.work()
    jobs.zip_url(batch)
    worker.work()
    batch.refresh_from_db()
    first = batch.zip_key
    Job.objects.filter(position=1).update(status="finished", result_format="webp")
    job = batch.jobs.select_related("upload").get(position=1)
    storage.results.put(job.result_key, io.BytesIO(b"x"), filename="", content_type="")
    assert jobs.zip_url(batch) is None
    worker.work()
    batch.refresh_from_db()
    assert batch.zip_key not in ("", first)


def test_no_zip_without_a_result(alice: Any) -> None:
    with pytest.raises(jobs.Conflict):
        jobs.zip_url(submit(alice, "a.jpg"))


@pytest.mark.parametrize("output", ["webp", "tiff", "pdf"])
def test_previews_are_made_when_asked_for(
    alice: Any, send: Send, worker: RecordingDispatch, photo: bytes, output: str
) -> None:
    recipe = Recipe.parse({"format": output, "rotate": 90, "resize": {"mode": "fit", "width": 30}})
    batch = submit(alice, "a.jpg", outputs=(recipe,))
    send(batch, photo)
    worker.work()
    assert jobs.preview_urls(the_job(batch)) is None
    assert worker.work() == 1
    job = the_job(batch)
    assert jobs.preview_urls(job)
    before = Image.open(io.BytesIO(storage.results.read(job.before_key)[0]))
    assert before.size == (job.result_width, job.result_height)


# --- Expire, remove, sweep ----------------------------------------------------------------------------------


def test_what_is_due_expires_and_its_bytes_go(
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


def test_bytes_that_cannot_be_deleted_hold_up_no_others(
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


def test_one_file_that_cannot_be_deleted_holds_up_no_other_file_of_its_batch(
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
    with pytest.raises(StorageFault, match="kept 1 files: Read-only"):
        jobs.expire(batch)
    assert not (folders / Job.objects.get(position=1).result_key).exists()


STEPS = [
    "_expire_due", "_delete_lone_uploads", "_tell_again", "_find_lost_uploads", "_end_overdue", "_free_lost_leases",
    "_ask_for_waiting",
]  # fmt: skip


@pytest.mark.parametrize("broken", STEPS)
def test_a_step_of_the_sweep_that_fails_holds_up_no_other(
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
    """Refuse every write to the database, as SQLite on a full disk, until a file has gone."""
    before = len([path for path in folder.rglob("*") if path.is_file()])

    def refuse(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        files = [path for path in folder.rglob("*") if path.is_file()]
        if len(files) == before and sql.startswith(("UPDATE", "INSERT", "DELETE")):
            raise OperationalError("database or disk is full")
        return execute(sql, params, many, context)

    with connection.execute_wrapper(refuse):
        yield


def test_what_is_due_goes_from_a_full_disk(
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


def test_a_result_finished_while_its_batch_expires_does_not_stay(
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


@pytest.mark.parametrize("end", [jobs.remove, jobs.expire])
@pytest.mark.parametrize("made", ["thumbnail", "before", ".zip"])
def test_what_is_made_while_its_batch_goes_does_not_stay(
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
    real = FolderStorage.put

    def put_late(self: Any, key: str, *args: Any, **options: Any) -> Any:
        if key.endswith(made):
            end(Batch.objects.get())
        return real(self, key, *args, **options)

    monkeypatch.setattr(FolderStorage, "put", put_late)
    worker.work()
    if made != "thumbnail":
        jobs.preview_urls(the_job(batch)) if made == "before" else jobs.zip_url(batch)
        worker.work()
    assert files(folders) == []


def test_a_zip_of_fewer_results_does_not_stay(
    alice: Any, send: Send, worker: RecordingDispatch, photo: bytes, folders: Any
) -> None:
    batch = submit(alice, "a.jpg", "b.jpg")
    first, second = (job.upload.key for job in batch.jobs.select_related("upload").order_by("position"))
    for key in (first, second):
        put(key, photo)
        worker.work()
        jobs.zip_url(Batch.objects.get())
        worker.work()
    assert len([file for file in files(folders) if file.suffix == ".zip"]) == 1
    jobs.expire(Batch.objects.get())
    assert files(folders) == []


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


def test_an_upload_that_never_comes_fails(alice: Any) -> None:
    batch = submit(alice, "a.jpg")
    Job.objects.update(created_at=timezone.now() - sweep.UPLOAD_DEADLINE - timedelta(seconds=1))
    assert sweep.sweep()["failed"] == 1
    assert the_job(batch).error_code == "upload_timed_out"


def test_an_upload_that_came_is_not_ended_however_late_its_event(
    alice: Any, send: Send, worker: RecordingDispatch, photo: bytes
) -> None:
    batch = submit(alice, "a.jpg")
    send(batch, photo)
    worker.asked.clear()
    long_ago = timezone.now() - sweep.UPLOAD_DEADLINE * 3
    Job.objects.update(created_at=long_ago, asked_at=long_ago)
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


def test_a_job_whose_worker_died_is_asked_for_again_and_given_up_in_the_end(
    alice: Any, send: Send, worker: RecordingDispatch, photo: bytes
) -> None:
    batch = submit(alice, "a.jpg")
    send(batch, photo)
    upload = the_job(batch).upload
    jobs.receive(upload.key, storage.uploads.stat(upload.key))
    for _ in range(run.MAX_ATTEMPTS):
        worker.asked.clear()
        assert run._claim(upload.pk)
        Job.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
        sweep.sweep()
    assert the_job(batch).error_code == "gave_up"
    assert worker.asked == []


def test_a_waiting_job_is_asked_for_again_but_not_all_the_time(
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


def test_a_starting_server_takes_up_what_a_killed_one_left(
    alice: Any, send: Send, worker: RecordingDispatch, photo: bytes
) -> None:
    in_work, waiting, unheard, awaited = (submit(alice, "a.jpg") for _ in range(4))
    for batch in (in_work, waiting, unheard):
        send(batch, photo)
    for batch in (in_work, waiting):
        upload = the_job(batch).upload
        jobs.receive(upload.key, storage.uploads.stat(upload.key))
    assert run._claim(the_job(in_work).upload_id)
    worker.asked.clear()
    jobs.recover()
    worker.work()
    assert [statuses(batch)[0] for batch in (in_work, waiting, unheard)] == ["finished"] * 3
    assert statuses(awaited) == ["awaiting_upload"]


# --- What it costs ------------------------------------------------------------------------------------------


def scans(act: Callable[[], object]) -> list[str]:
    """Return the queries of `act` that go through all of a table, by what the database says of its plans."""
    is_sqlite = connection.vendor == "sqlite"
    explain = "EXPLAIN QUERY PLAN " if is_sqlite else "EXPLAIN "
    scan = re.compile(r"(SCAN|Seq Scan on) converter_(job|upload|batch)\b")
    found: list[str] = []

    def look(execute: Any, sql: str, params: Any, many: bool, context: dict[str, Any]) -> Any:
        if sql.startswith(("SELECT", "UPDATE", "DELETE")):
            execute(explain + sql, params, many, context)
            found.extend(sql for row in context["cursor"].fetchall() if scan.search(str(row)))
        return execute(sql, params, many, context)

    if not is_sqlite:
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL enable_seqscan = off")  # small tables are read whole, indexed or not
    with connection.execute_wrapper(look):
        act()
    return found


def test_a_table_without_an_index_to_look_by_is_seen() -> None:
    assert scans(lambda: list(Job.objects.filter(milliseconds=5).order_by()))


def test_no_event_costs_more_as_history_grows(
    alice: Any, send: Send, worker: RecordingDispatch, photo: bytes
) -> None:
    batch = submit(alice, "a.jpg", "b.txt", outputs=(WEBP, PNG))
    send(batch, photo, b"no image")
    assert worker.asked
    assert scans(worker.work) == []
    assert sorted(statuses(batch)) == ["failed", "failed", "finished", "finished"]


def test_no_event_that_breaks_off_costs_more_as_history_grows(
    alice: Any, send: Send, photo: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch = submit(alice, "a.jpg")
    send(batch, photo)

    def broken(*args: object) -> None:
        raise StorageFault("gone")

    upload = the_job(batch).upload
    jobs.receive(upload.key, storage.uploads.stat(upload.key))
    monkeypatch.setattr(FolderStorage, "read", broken)

    def broken_off() -> None:
        with pytest.raises(StorageFault):
            run.run(upload.pk)

    assert scans(broken_off) == []
    assert statuses(batch) == ["queued"]


def test_no_sweep_costs_more_as_history_grows(alice: Any, send: Send, photo: bytes) -> None:
    send(submit(alice, "a.jpg"), photo)
    submit(alice, "never-came.jpg")
    assert scans(sweep.sweep) == []
