"""Several workers compete for one job. Runs on SQLite and, through tests/postgres.py, on PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from threading import Barrier, BrokenBarrierError
from typing import Any

import pytest
from django.db import connection, transaction
from django.utils import timezone

from converter import jobs
from converter.engine import Recipe
from converter.jobs import leases
from converter.jobs.submit import submit
from converter.models import Delivery, Job, Upload, Webhook
from converter.storage import Stored
from converter.webhooks import notify_of_job

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.postgres]

WORKERS = 8


def at_once(act: Callable[[], Any]) -> list[Any]:
    """Return the results of the function in several threads that start simultaneously."""
    barrier = Barrier(WORKERS)

    def one() -> Any:
        connection.ensure_connection()
        barrier.wait(60)
        try:
            return act()
        except jobs.JobError as refusal:
            return refusal.code
        finally:
            connection.close()

    with ThreadPoolExecutor(WORKERS) as pool:
        return [future.result() for future in [pool.submit(one) for _ in range(WORKERS)]]


@pytest.fixture
def job(alice: Any) -> Job:
    batch = submit(alice, files=[jobs.NewFile("a.jpg", 10)], outputs=[Recipe.parse({"format": "webp"})])
    return batch.jobs.select_related("upload").get()


def test_one_of_many_events_receives_the_upload(job: Job) -> None:
    at_once(lambda: jobs.receive(job.upload.key, Stored(10, "etag")))
    upload = Upload.objects.get()
    assert (upload.etag, upload.size) == ("etag", 10)
    assert Job.objects.get().status == "queued"


def test_one_of_many_workers_gets_the_job(job: Job) -> None:
    jobs.receive(job.upload.key, Stored(10, "etag"))
    claims = at_once(lambda: len(leases.claim(job.upload_id)))
    assert sorted(claims) == [0] * (WORKERS - 1) + [1]
    assert Job.objects.get().attempts == 1


def test_one_of_many_retries_counts(job: Job) -> None:
    Upload.objects.update(received_at=timezone.now())
    Job.objects.update(status="failed")
    answers = at_once(lambda: jobs.retry(Job.objects.select_related("upload").get()))
    assert answers.count(None) == 1
    assert Job.objects.get().status == "queued"


def test_one_of_many_cancels_counts(job: Job) -> None:
    answers = at_once(lambda: jobs.cancel(Job.objects.get()))
    assert answers.count(None) == 1
    assert Job.objects.get().status == "cancelled"


@pytest.mark.long
def test_of_workers_that_finish_the_last_jobs_at_once_one_announces_the_batch(alice: Any) -> None:
    Webhook.objects.create(
        owner=alice, url="https://example.org/", events=["batch.finished"], secret="whsec_"
    )
    files = [jobs.NewFile(f"{n}.jpg", 10) for n in range(WORKERS)]
    batch = submit(alice, files=files, outputs=[Recipe.parse({"format": "webp"})])
    ended = Barrier(WORKERS)
    last = iter(list(batch.jobs.all()))

    def finish() -> None:
        job = next(last)
        with transaction.atomic():
            Job.objects.filter(pk=job.pk).update(status="finished", finished_at=timezone.now())
            with suppress(BrokenBarrierError):  # SQLite serialises them
                ended.wait(1)
            notify_of_job(job)

    at_once(finish)
    assert [delivery.event for delivery in Delivery.objects.all()] == ["batch.finished"]
