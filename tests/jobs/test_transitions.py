from __future__ import annotations

from typing import Any

import pytest
from django.utils import timezone

from converter import jobs
from converter.models import Job, Upload
from tests.fakes import RecordingDispatch
from tests.jobs.conftest import Send, statuses, submit, the_job

pytestmark = [
    pytest.mark.django_db(transaction=False),
    pytest.mark.postgres,
    pytest.mark.usefixtures("commit_at_once"),
]


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
def test_retry_is_refused_in_other_states(alice: Any, send: Send, photo: bytes, status: str) -> None:
    batch = submit(alice, "a.jpg")
    Upload.objects.update(received_at=timezone.now())
    Job.objects.update(status=status)
    with pytest.raises(jobs.Conflict):
        jobs.retry(the_job(batch))
    assert statuses(batch) == [status]


def test_retry_before_the_upload_is_refused_for_the_state(alice: Any) -> None:
    with pytest.raises(jobs.Conflict) as refused:
        jobs.retry(the_job(submit(alice, "a.jpg")))
    assert refused.value.message.code == "conflict"
    assert refused.value.message.params["state"] == "awaiting_upload"


def test_retry_without_the_file_is_refused(alice: Any) -> None:
    batch = submit(alice, "a.jpg")
    Job.objects.update(status="failed")
    with pytest.raises(jobs.Conflict, match="Upload it again"):
        jobs.retry(the_job(batch))


@pytest.mark.parametrize("status", ["finished", "failed", "cancelled", "expired"])
def test_cancel_is_refused_in_other_states(alice: Any, status: str) -> None:
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
