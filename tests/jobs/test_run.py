from __future__ import annotations

import io
import logging
from datetime import timedelta
from typing import Any

import pytest
from django.db import OperationalError
from django.utils import timezone
from PIL import Image

from converter import jobs, storage
from converter.engine import Message, Recipe
from converter.jobs import leases, run
from converter.models import ImageMetadata, Job, Upload
from converter.storage import StorageFault
from tests.fakes import RecordingDispatch
from tests.jobs.conftest import PNG, WEBP, Send, statuses, submit, the_job

pytestmark = [
    pytest.mark.django_db(transaction=False),
    pytest.mark.postgres,
    pytest.mark.usefixtures("commit_at_once"),
]


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


def test_the_metadata_lists_the_newest_outputs_only(
    alice: Any, send: Send, worker: RecordingDispatch, photo: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run, "MOST_OUTPUTS", 2)
    batch = submit(alice, "a.jpg", outputs=(WEBP, PNG))
    send(batch, photo)
    worker.work()
    upload = batch.jobs.select_related("upload")[0].upload
    jobs.submit.submit(alice, uploads=[upload], outputs=[Recipe.parse({"format": "gif"})])
    worker.work()
    outputs = ImageMetadata.objects.get(upload=upload).item["outputs"]
    assert [output["format"] for output in outputs] == ["png", "gif"]


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


@pytest.mark.parametrize(
    ("ended", "said", "is_duplicate"),
    [
        (None, "Upload is not in a batch yet", False),
        (Job.Status.CANCELLED, "No job left to run", False),
        (Job.Status.FINISHED, "No job left to run", True),
        (Job.Status.FAILED, "No job left to run", True),
    ],
)
def test_only_events_whose_work_was_done_count_as_duplicates(
    alice: Any,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    ended: str | None,
    said: str,
    is_duplicate: bool,
) -> None:
    counted: list[dict[str, int]] = []
    monkeypatch.setattr("converter.metrics.emit", lambda **counts: counted.append(counts))
    if ended:
        submit(alice, "a.jpg")
        Job.objects.update(status=ended)
    else:
        jobs.announce(alice, [jobs.NewFile("a.jpg", 10_000)])
    counted.clear()
    caplog.set_level(logging.INFO)
    assert run.run(Upload.objects.get().pk) == 0
    assert caplog.records[-1].message == said
    assert counted == ([{"Duplicates": 1}] if is_duplicate else [])


def test_a_bad_file_fails_without_affecting_others(
    alice: Any, send: Send, worker: RecordingDispatch, photo: bytes
) -> None:
    batch = submit(alice, "a.jpg", "b.jpg")
    send(batch, b"%PDF-1.7\n", photo)
    worker.work()
    assert statuses(batch) == ["failed", "finished"]
    assert batch.state == "partially_failed"
    failed = batch.jobs.get(status="failed")
    assert (failed.error_code, failed.error_params) == ("unsupported_format", {"kind": "pdf"})
    assert failed.error_message == Message("unsupported_format", {"kind": "pdf"}).text


@pytest.mark.parametrize("fault", [StorageFault("S3 says 503"), OperationalError("gone")])
def test_a_temporary_fault_requeues_the_job_and_raises(
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


def test_a_missing_file_fails_with_a_reason(
    alice: Any, send: Send, worker: RecordingDispatch, photo: bytes
) -> None:
    batch = submit(alice, "a.jpg")
    send(batch, photo)
    storage.uploads.remove([the_job(batch).upload.key])
    worker.work()
    assert the_job(batch).error_code == "no_upload"


def test_two_workers_cannot_claim_one_job(alice: Any, send: Send, photo: bytes) -> None:
    batch = submit(alice, "a.jpg")
    send(batch, photo)
    upload = the_job(batch).upload
    jobs.receive(upload.key, storage.uploads.stat(upload.key))
    first = leases.claim(upload.pk)
    assert len(first) == 1
    assert leases.claim(upload.pk) == []


def test_a_worker_that_lost_its_lease_writes_nothing(alice: Any, send: Send, photo: bytes) -> None:
    batch = submit(alice, "a.jpg")
    send(batch, photo)
    upload = the_job(batch).upload
    jobs.receive(upload.key, storage.uploads.stat(upload.key))
    slow = leases.claim(upload.pk)
    Job.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    quick = leases.claim(upload.pk)
    assert len(quick) == 1
    run._fail(slow[0], Message("crashed"))
    assert statuses(batch) == ["processing"]
    run._run(quick)
    assert statuses(batch) == ["finished"]


def test_an_internal_error_is_an_error_in_the_log(
    alice: Any, send: Send, photo: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    batch = submit(alice, "a.jpg")
    send(batch, photo)
    upload = the_job(batch).upload
    jobs.receive(upload.key, storage.uploads.stat(upload.key))
    [job] = leases.claim(upload.pk)
    run._fail(job, Message("engine_error"))
    [record] = [record for record in caplog.records if record.getMessage() == "Job failed"]
    assert (record.levelname, record.__dict__["job"]) == ("ERROR", str(job.pk))


def test_a_job_cancelled_while_running_keeps_no_result(
    alice: Any, send: Send, photo: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch = submit(alice, "a.jpg")
    send(batch, photo)
    job = the_job(batch)
    jobs.receive(job.upload.key, storage.uploads.stat(job.upload.key))
    finish = run._finish

    def cancelled_first(claimed: Job, *given: Any) -> None:
        jobs.cancel(Job.objects.get(pk=claimed.pk))
        finish(claimed, *given)

    monkeypatch.setattr("converter.jobs.run._finish", cancelled_first)
    run.run(job.upload_id)
    assert statuses(batch) == ["cancelled"]
    with pytest.raises(FileNotFoundError):
        storage.results.stat(job.result_key)


def test_a_missing_watermark_file_fails_the_job_with_that_reason(
    alice: Any, send: Send, worker: RecordingDispatch, photo: bytes
) -> None:
    mark = jobs.keep_image(alice, jobs.NewFile("mark.jpg", len(photo)))
    stored = storage.uploads.put(mark.key, io.BytesIO(photo), filename="", content_type="")
    jobs.receive(mark.key, stored)
    marked_recipe = Recipe.parse({"format": "png", "watermark": {"image": str(mark.pk)}})
    batch = submit(alice, "a.jpg", outputs=(marked_recipe, WEBP))
    storage.uploads.remove([mark.key])
    send(batch, photo)
    worker.work()
    marked, plain = batch.jobs.order_by("position")
    assert (marked.status, marked.error_code) == ("failed", "no_watermark")
    assert plain.status == "finished"
