"""A result that is missing or damaged in storage has one true state, and can be made again."""

from __future__ import annotations

import io
from typing import Any

import pytest
from django.db import OperationalError
from django.test import Client
from django.urls import reverse

from converter import jobs, storage
from converter.models import Job
from imagesite.accounts.models import ApiToken
from tests.api.conftest import Program, problem
from tests.conftest import streamed
from tests.fakes import RecordingDispatch
from tests.jobs.conftest import Send, submit, the_job

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("commit_at_once")]


@pytest.fixture
def job(alice: Any, send: Send, worker: RecordingDispatch, photo: bytes) -> Job:
    batch = submit(alice, "a.jpg")
    send(batch, photo)
    worker.work()
    return the_job(batch)


@pytest.fixture
def program(job: Job) -> Program:
    return Program(ApiToken.issue(job.owner, "test")[1])


def lose(job: Job) -> str:
    storage.results.remove([job.result_key])
    return "This result is missing from storage. Convert the image again."


def damage(job: Job) -> str:
    data, _ = storage.results.read(job.result_key)
    half = len(data) // 2
    other = data[:half] + bytes([data[half] ^ 1]) + data[half + 1 :]
    storage.results.put(job.result_key, io.BytesIO(other), filename="", content_type="image/webp")
    return "This result was damaged in storage. Convert the image again."


def cut(job: Job) -> str:
    data, _ = storage.results.read(job.result_key)
    storage.results.put(job.result_key, io.BytesIO(data[:-1]), filename="", content_type="image/webp")
    return "This result was damaged in storage. Convert the image again."


@pytest.mark.parametrize("fault", [lose, damage, cut])
def test_a_damaged_result_is_not_served_and_can_be_made_again(
    job: Job, fault: Any, worker: RecordingDispatch, client: Client
) -> None:
    link = jobs.result_url(job)
    whole, _ = storage.results.read(job.result_key)
    message = fault(job)
    answer = client.get(link)
    problem(answer, 410, "result_missing")
    assert answer.json()["detail"] == message
    client.force_login(job.owner)
    assert message in client.get(reverse("web:job", args=[job.pk])).text
    jobs.retry(Job.objects.get(pk=job.pk))
    worker.work()
    again = client.get(jobs.result_url(Job.objects.get(pk=job.pk)))
    assert streamed(again) == whole
    again.close()


def test_a_damaged_result_is_not_served_even_if_that_cannot_be_recorded(
    job: Job, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def locked(*_: Any) -> None:
        raise OperationalError("database is locked")

    monkeypatch.setattr("converter.jobs.results.lose_result", locked)
    message = damage(job)
    answer = client.get(jobs.result_url(job))
    problem(answer, 410, "result_missing")
    assert answer.json()["detail"] == message


@pytest.mark.parametrize("fault", [lose, damage])
@pytest.mark.parametrize("path", ["jobs/{0.pk}/reuse", "batches/{0.batch_id}/shares"])
def test_the_api_is_consistent_about_a_damaged_result(
    job: Job, fault: Any, path: str, program: Program
) -> None:
    fault(job)
    problem(program.post(f"jobs/{job.pk}/reuse"), 410, "result_missing")
    told = program.get(f"jobs/{job.pk}").json()
    assert (told["status"], told["result"], told["error"]["code"]) == ("failed", None, "result_missing")
    assert program.post(path.format(job), {}).status_code in (409, 410)


def test_a_result_of_the_previous_release_has_no_tag_and_is_served(job: Job, client: Client) -> None:
    Job.objects.update(result_etag="")
    answer = client.get(jobs.result_url(job))
    assert answer.status_code == 200
    answer.close()
