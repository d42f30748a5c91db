"""A response is consistent: a job that ends between two queries is ended everywhere in it, or nowhere."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from converter import jobs
from converter.engine import Recipe
from converter.models import Batch, Job
from converter.snapshot import snapshot

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.postgres]


@pytest.fixture
def batch(alice: Any) -> Batch:
    made = jobs.submit.submit(
        alice,
        outputs=[Recipe.parse({"format": "webp"})],
        files=[jobs.NewFile(f"{n}.jpg", 5) for n in range(3)],
    )
    made.jobs.update(status=Job.Status.PROCESSING)
    return made


@contextmanager
def all_end_after_the_first_look(batch: Batch) -> Iterator[None]:
    """Let another connection finish the jobs of the batch once they have been read for the first time."""
    looked: list[str] = []

    def end() -> None:
        Job.objects.filter(batch=batch).update(status=Job.Status.FINISHED, finished_at=timezone.now())
        connection.close()

    def watch(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        result = execute(sql, params, many, context)
        if not looked and re.search(r'FROM "converter_job"', sql):
            looked.append(sql)
            other = threading.Thread(target=end)
            other.start()
            other.join()
        return result

    with connection.execute_wrapper(watch):
        yield
    assert looked
    assert set(batch.jobs.values_list("status", flat=True)) == {"finished"}


def test_the_answer_of_a_batch_tells_one_moment(batch: Batch, alice: Any) -> None:
    client = Client()
    client.force_login(alice)
    with all_end_after_the_first_look(batch):
        told = client.get(f"/api/v1/batches/{batch.pk}").json()
    assert told["status"] == "processing"
    assert told["done"] == 0
    assert {job["status"] for job in told["jobs"]} == {"processing"}
    assert client.get(f"/api/v1/batches/{batch.pk}").json()["status"] == "finished"


@pytest.mark.parametrize("path", ["/batches/", "/batches/{}/", "/admin/converter/batch/{}/change/"])
def test_a_page_tells_one_moment(batch: Batch, alice: Any, path: str) -> None:
    alice.is_staff = alice.is_superuser = True
    alice.save()
    client = Client()
    client.force_login(alice)
    with all_end_after_the_first_look(batch):
        page = client.get(path.format(batch.pk)).content.decode()
    assert not re.search(
        r"Finished|finished</div>|3 of 3", re.sub(r"<(option|select)\b.*?</\1>", "", page)
    ), page


def test_a_snapshot_takes_no_lock_that_others_wait_for(batch: Batch) -> None:
    with all_end_after_the_first_look(batch), snapshot():
        list(batch.jobs.all())
        assert set(Job.objects.values_list("status", flat=True)) == {"processing"}
