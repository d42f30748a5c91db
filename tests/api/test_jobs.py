from __future__ import annotations

import uuid
from contextlib import ExitStack
from typing import Any
from unittest.mock import Mock

import pytest
from django.test import Client
from django.utils import timezone

from converter.api import waiting
from converter.models import Batch, Job
from tests.api.conftest import Clock, Program, problem
from tests.conftest import make_photo

pytestmark = pytest.mark.django_db


def test_jobs_are_filtered_by_status_and_batch(program: Program) -> None:
    first, second = program.submit("a.jpg", "b.jpg"), program.submit("c.jpg")
    program.post(f"jobs/{second['jobs'][0]['id']}/cancel")

    def found(**query: Any) -> set[str]:
        return {job["id"] for job in program.get("jobs", **query).json()["items"]}

    assert found() == {job["id"] for job in first["jobs"] + second["jobs"]}
    assert found(status="cancelled") == {second["jobs"][0]["id"]}
    assert found(batch=first["id"]) == {job["id"] for job in first["jobs"]}
    assert found(batch=first["id"], status="cancelled") == set()


def test_an_unknown_status_is_refused(program: Program) -> None:
    body = problem(program.get("jobs", status="done"), 422, "invalid_request")
    assert body["errors"][0]["parameter"] == "status"


def test_jobs_of_the_same_time_are_paged_without_loss(program: Program) -> None:
    batch = program.submit(*(f"{n}.jpg" for n in range(7)))
    seen: list[str] = []
    cursor: dict[str, str] = {}
    while True:
        found = program.get("jobs", limit=3, **cursor).json()
        seen += [job["id"] for job in found["items"]]
        if found["next"] is None:
            break
        cursor = {"cursor": found["next"]}
    assert sorted(seen) == sorted(job["id"] for job in batch["jobs"])


def test_a_list_needs_the_same_queries_for_three_rows_and_for_thirty(
    program: Program, settings: Any, django_assert_num_queries: Any
) -> None:
    settings.CONVERTER_REQUESTS_A_MINUTE = 0
    program.submit("a.jpg", "b.jpg", "c.jpg")
    with django_assert_num_queries(2):  # authentication, the page
        assert len(program.get("jobs").json()["items"]) == 3
    program.submit(*(f"{n}.jpg" for n in range(27)))
    with django_assert_num_queries(2):
        assert len(program.get("jobs").json()["items"]) == 30


def test_a_failed_job_says_why_and_is_retried(
    program: Program, send: Any, worker: Any, django_capture_on_commit_callbacks: Any
) -> None:
    batch = program.submit()
    send(Batch.objects.get(), b"not an image")
    worker.work()
    path = f"jobs/{batch['jobs'][0]['id']}"
    job = program.get(path).json()
    assert job["status"] == "failed"
    assert job["error"]["code"] == "not_an_image"
    assert {"JPEG", "PNG"} <= set(job["error"]["params"]["formats"])
    assert job["error"]["message"].startswith("This file contains text, not an image")
    assert job["result"] is None
    problem(program.get(f"{path}/download"), 409, "no_result")

    with django_capture_on_commit_callbacks(execute=True):
        again = program.post(f"{path}/retry")
    assert (again.status_code, again.json()["status"]) == (200, "queued")
    assert worker.asked
    problem(program.post(f"{path}/retry"), 409, "conflict")


def test_a_job_without_its_file_cannot_be_retried(program: Program) -> None:
    path = f"jobs/{program.submit()['jobs'][0]['id']}"
    program.post(f"{path}/cancel")
    problem(program.post(f"{path}/retry"), 410, "no_upload")


def test_a_job_is_cancelled_once(program: Program) -> None:
    path = f"jobs/{program.submit()['jobs'][0]['id']}"
    assert program.post(f"{path}/cancel").json()["status"] == "cancelled"
    problem(program.post(f"{path}/cancel"), 409, "conflict")


def test_a_result_is_converted_further_without_being_sent_again(
    program: Program, send: Any, worker: Any
) -> None:
    batch = program.submit("a.jpg", outputs=[{"format": "png"}])
    path = f"jobs/{batch['jobs'][0]['id']}/reuse"
    problem(program.post(path), 409, "no_result")
    send(Batch.objects.get(), make_photo())
    worker.work()
    reused = program.post(path)
    assert reused.status_code == 201
    assert reused.json() == {"id": reused.json()["id"], "name": "a.png", "form": None}
    body = {"uploads": [reused.json()["id"]], "outputs": [{"format": "gif"}]}
    assert program.post("batches", body).status_code == 201


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(waiting, "time", clock)
    return clock


def test_waiting_ends_when_the_job_does(program: Program, clock: Clock) -> None:
    job = program.submit()["jobs"][0]
    clock.at_nap[3] = lambda: Job.objects.update(status=Job.Status.CANCELLED)
    assert program.get(f"jobs/{job['id']}", wait=20).json()["status"] == "cancelled"
    assert clock.naps == 3


def test_waiting_ends_when_the_time_is_up(program: Program, clock: Clock) -> None:
    job = program.submit()["jobs"][0]
    assert program.get(f"jobs/{job['id']}", wait=20).json()["status"] == "awaiting_upload"
    assert clock.now == pytest.approx(20)


@pytest.mark.parametrize(("left", "waits"), [(29, 20), (14, 10), (2, 0)])
def test_waiting_ends_before_lambda_and_the_api_gateway_do(
    program: Program, clock: Clock, left: int, waits: int
) -> None:
    """A paused database takes up to 15 s of the 29 s that API Gateway allows, cold start and response included:
    docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-execution-service-limits-table.html
    """
    job = program.submit()["jobs"][0]
    program.client.defaults["lambda.context"] = Mock(
        aws_request_id="1", get_remaining_time_in_millis=lambda: 1000 * left
    )
    assert program.get(f"jobs/{job['id']}", wait=20).json()["status"] == "awaiting_upload"
    assert clock.now == pytest.approx(waits)


def test_a_job_that_is_deleted_while_waited_for_is_gone(program: Program, clock: Clock) -> None:
    job = program.submit()["jobs"][0]
    clock.at_nap[1] = lambda: Job.objects.all().delete()
    problem(program.get(f"jobs/{job['id']}", wait=20), 404, "not_found")


def test_a_finished_job_is_not_waited_for(program: Program, clock: Clock) -> None:
    job = program.submit()["jobs"][0]
    Job.objects.update(status=Job.Status.CANCELLED)
    program.get(f"jobs/{job['id']}", wait=20)
    assert clock.naps == 0


@pytest.mark.parametrize("who", ["alice", "others"])
def test_the_number_of_waiting_requests_is_limited(
    program: Program, clock: Clock, alice: Any, who: str
) -> None:
    job = program.submit()["jobs"][0]
    waiters = (
        [alice.pk] * waiting.OF_ONE if who == "alice" else [uuid.uuid4() for _ in range(waiting.AT_ONCE)]
    )
    with ExitStack() as stack:
        for waiter in waiters:
            assert stack.enter_context(waiting._place(waiter))
        response = program.get(f"jobs/{job['id']}", wait=20)
        assert (response.status_code, response["Retry-After"]) == (200, "1")
        assert clock.naps == 0
    program.get(f"jobs/{job['id']}", wait=1)
    assert clock.naps > 0


def test_one_user_leaves_places_for_others(alice: Any, bob: Any) -> None:
    with ExitStack() as stack:
        for _ in range(waiting.OF_ONE):
            assert stack.enter_context(waiting._place(alice.pk))
        assert not stack.enter_context(waiting._place(alice.pk))
        assert stack.enter_context(waiting._place(bob.pk))
    assert not waiting._waiting


@pytest.mark.parametrize("wait", ["21", "-1", "nan", "x"])
def test_a_wait_out_of_range_is_refused(program: Program, wait: str) -> None:
    job = program.submit()["jobs"][0]
    problem(program.get(f"jobs/{job['id']}", wait=wait), 422, "invalid_request")


def test_a_job_contains_its_report(program: Program, send: Any, worker: Any) -> None:
    program.submit()
    send(Batch.objects.get(), make_photo())
    worker.work()
    job = program.get("jobs").json()["items"][0]
    assert job["report"]["encoder"]["name"]
    assert job["started_at"] <= job["finished_at"]


def test_jobs_of_several_statuses_are_listed(program: Program, alice: Any) -> None:
    program.submit("a.jpg", "b.jpg", "c.jpg")
    rows = list(Job.objects.order_by("position"))
    for row, status in zip(rows, ("failed", "cancelled", "finished"), strict=True):
        Job.objects.filter(pk=row.pk).update(status=status)

    def listed(*statuses: str) -> set[str]:
        return {job["status"] for job in program.get("jobs", status=list(statuses)).json()["items"]}

    assert listed("failed", "cancelled") == {"failed", "cancelled"}
    assert listed("finished", "failed") == {"finished", "failed"}
    assert listed("queued", "expired") == set()
    Batch.objects.update(expires_at=timezone.now())
    assert listed("expired", "failed") == {"expired", "failed"}
    assert listed("finished") == set()
    problem(program.get("jobs", status=["failed", "done"]), 422, "invalid_request")


@pytest.mark.parametrize(
    "path",
    ["jobs?limit=1&limit=2", "jobs?cursor=a&cursor=b", "batches?limit=1&limit=2", "webhooks?limit=1&limit=1"],
)
def test_a_repeated_parameter_is_refused(program: Program, path: str) -> None:
    wrong = problem(program.get(path), 422, "invalid_request")["errors"]
    assert [(error["code"], error["parameter"]) for error in wrong] == [
        ("field_repeated", path.partition("?")[2].partition("=")[0])
    ]


@pytest.mark.parametrize(
    ("path", "name", "similar"),
    [
        ("jobs?stauts=finished", "stauts", "status"),
        ("batches?limt=5", "limt", "limit"),
        ("jobs?colour=red", "colour", None),
        ("formats?format=webp", "format", None),
        ("jobs?limit=5&utm_source=mail", "utm_source", None),
    ],
)
def test_an_unknown_parameter_is_refused_by_name(
    program: Program, path: str, name: str, similar: str | None
) -> None:
    response = program.client.get(f"/api/v1/{path}")
    body = problem(response, 422, "invalid_request")
    assert [(error["code"], error["parameter"]) for error in body["errors"]] == [("parameter_unknown", name)]
    assert body["errors"][0]["params"].get("similar") == similar


@pytest.mark.parametrize(
    ("headers", "code"),
    [({}, "unauthenticated"), ({"Authorization": "Bearer img_wrong"}, "invalid_token")],
)
def test_a_token_is_checked_before_parameters(
    program: Program, client: Client, headers: dict[str, str], code: str
) -> None:
    problem(client.get("/api/v1/jobs?foo=1", headers=headers), 401, code)
    problem(program.client.get("/api/v1/jobs?foo=1"), 422, "invalid_request")


def test_parameters_of_a_call_that_writes_are_not_ignored_either(program: Program) -> None:
    job = program.submit("a.jpg")["jobs"][0]["id"]
    problem(program.client.post(f"/api/v1/jobs/{job}/cancel?force=1"), 422, "invalid_request")
    assert program.get(f"jobs/{job}").json()["status"] == "awaiting_upload"


def test_every_documented_parameter_is_known(program: Program) -> None:
    paths = program.client.get("/api/v1/openapi.json").json()["paths"]
    queries = [
        (path, parameter["name"])
        for path, methods in paths.items()
        for parameter in methods.get("get", {}).get("parameters", [])
        if parameter["in"] == "query"
    ]
    assert len(queries) > 10
    for path, name in queries:
        response = program.client.get(path.replace("{", "").replace("}", ""), {name: "1"})
        assert "parameter_unknown" not in response.content.decode()
