from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from converter import jobs
from converter.models import Batch, Share
from tests.api.conftest import Program, problem
from tests.conftest import make_photo

pytestmark = pytest.mark.django_db


@pytest.fixture
def batch(program: Program, send: Any, worker: Any) -> Any:
    """Return a batch with one finished and one unfinished result."""
    made = program.submit("a.jpg", "b.jpg")
    send(Batch.objects.get(), make_photo(), b"no image")
    worker.work()
    return made


@pytest.mark.long
def test_a_result_is_shown_to_others_until_the_link_is_ended(program: Program, batch: Any) -> None:
    path = f"batches/{batch['id']}/shares"
    made = program.post(path, {})
    assert made.status_code == 201
    share = made.json()
    assert share["jobs"] == [batch["jobs"][0]["id"]]
    assert share["expires_at"] == batch["expires_at"]
    assert share["url"].startswith("http://testserver/s/")
    assert Client().get(share["url"]).status_code == 200
    assert program.get(path).json()["items"] == [{**share, "opened": 1}]

    assert program.delete(f"shares/{share['id']}").status_code == 204
    assert Client().get(share["url"]).status_code == 410
    assert program.get(path).json() == {"items": [], "next": None}
    assert program.delete(f"shares/{share['id']}").status_code == 204


def test_a_share_without_options_contains_every_result(program: Program, batch: Any) -> None:
    shared = program.client.generic("POST", f"/api/v1/batches/{batch['id']}/shares")
    assert shared.status_code == 201, shared.content
    assert shared.json()["jobs"] == [batch["jobs"][0]["id"]]
    assert shared.json()["expires_at"] == batch["expires_at"]


def test_results_and_duration_can_be_chosen(program: Program, batch: Any) -> None:
    body = {"jobs": [batch["jobs"][0]["id"]], "hours": 1}
    share = program.post(f"batches/{batch['id']}/shares", body).json()
    assert share["jobs"] == body["jobs"]
    assert Share.objects.get().expires_at - Share.objects.get().created_at == timedelta(hours=1)


def test_a_job_of_another_batch_is_pointed_at(program: Program, batch: Any) -> None:
    other = program.submit("c.jpg")["jobs"][0]["id"]
    body = {"jobs": [batch["jobs"][0]["id"], other, str(uuid.uuid4())]}
    refused = problem(program.post(f"batches/{batch['id']}/shares", body), 422, "invalid_request")
    assert [error["pointer"] for error in refused["errors"]] == ["/jobs/1", "/jobs/2"]
    assert not Share.objects.exists()


@pytest.mark.parametrize(
    "body", [{"hours": 0}, {"hours": 10**9}, {"hours": True}, {"hours": "5"}, {"jobs": []}, {"password": "x"}]
)
def test_an_invalid_link_is_refused(program: Program, batch: Any, body: Any) -> None:
    problem(program.post(f"batches/{batch['id']}/shares", body), 422, "invalid_request")


@pytest.mark.long
def test_without_results_there_is_no_link(program: Program, batch: Any) -> None:
    waiting = program.submit("c.jpg")
    problem(program.post(f"batches/{waiting['id']}/shares", {}), 409, "no_result")
    jobs.expire(Batch.objects.get(pk=batch["id"]))
    problem(program.post(f"batches/{batch['id']}/shares", {}), 410, "expired")


def test_links_that_have_ended_are_not_listed(program: Program, batch: Any) -> None:
    program.post(f"batches/{batch['id']}/shares", {})
    Share.objects.update(expires_at=timezone.now())
    assert program.get(f"batches/{batch['id']}/shares").json()["items"] == []


def test_a_share_tells_where_its_zip_is(
    program: Program, batch: Any, worker: Any, django_capture_on_commit_callbacks: Any
) -> None:
    share = program.post(f"batches/{batch['id']}/shares", {}).json()
    assert share["zip_url"] == f"{share['url']}zip/"
    stranger = Client()
    with django_capture_on_commit_callbacks(execute=True):
        assert stranger.get(share["zip_url"]).status_code == 202
    worker.work()
    assert stranger.get(share["zip_url"]).status_code == 302
