"""Images fetched by URL."""

from __future__ import annotations

import socket
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from converter import storage
from converter.events import clock
from converter.models import Batch, Job, Upload
from converter.storage import StorageFault
from tests.api.conftest import Program, problem
from tests.conftest import make_photo
from tests.receiver import Receiver

pytestmark = [pytest.mark.django_db, pytest.mark.postgres]


@pytest.fixture
def fetch(program: Program, worker: Any, django_capture_on_commit_callbacks: Any) -> Any:
    def fetch(url: str) -> Any:
        with django_capture_on_commit_callbacks(execute=True):
            response = program.post("batches", {"files": [{"url": url}], "outputs": [{"format": "webp"}]})
        assert response.status_code == 201, response.content
        assert response.json()["uploads"][0]["form"] is None
        worker.work()
        return program.get(f"batches/{response.json()['id']}").json()

    return fetch


def test_an_image_is_fetched_and_converted(server: Receiver, fetch: Any) -> None:
    photo = make_photo()
    server.answers["/a%20b.jpg?x=1"] = (200, {}, photo)
    batch = fetch(f"{server.url}/a%20b.jpg?x=1")
    assert batch["status"] == "finished"
    assert batch["uploads"][0]["name"] == "a b.jpg"
    assert batch["jobs"][0]["result"]["name"] == "a b.webp"
    assert Upload.objects.get().size == len(photo)


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        ((404, {}, b"no"), "fetch_failed"),
        ((200, {}, b""), "empty_file"),
        ((200, {}, b"<html>"), "not_an_image"),
        ((302, {"Location": "http://169.254.169.254/latest/meta-data/"}, b""), "fetch_failed"),
    ],
)
def test_a_failed_fetch_has_a_reason(server: Receiver, fetch: Any, answer: Any, code: str) -> None:
    server.answers["/a.jpg"] = answer
    (job,) = fetch(f"{server.url}/a.jpg")["jobs"]
    assert (job["status"], job["error"]["code"]) == ("failed", code)
    assert job["error"]["message"]


def test_a_file_that_is_too_large_is_refused(server: Receiver, fetch: Any, settings: Any) -> None:
    settings.CONVERTER_LIMITS = {"max_bytes": 100}
    server.answers["/a.jpg"] = (200, {}, b"x" * 101)
    (job,) = fetch(f"{server.url}/a.jpg")["jobs"]
    assert job["error"]["code"] == "fetch_failed"
    assert job["error"]["params"] == {"kind": "too_large", "most": 100}


def test_the_images_of_the_only_batch_must_be_smaller(
    program: Program, server: Receiver, worker: Any, settings: Any, django_capture_on_commit_callbacks: Any
) -> None:
    settings.CONVERTER_BYTES_KEPT = 150
    files = [{"url": f"{server.url}/{n}.jpg"} for n in range(2)]
    server.answers.update({f"/{n}.jpg": (200, {}, b"x" * 100) for n in range(2)})

    def refusal() -> str:
        with django_capture_on_commit_callbacks(execute=True):
            batch = program.post("batches", {"files": files, "outputs": [{"format": "webp"}]}).json()
        worker.work()
        errors = [job["error"] for job in program.get(f"batches/{batch['id']}").json()["jobs"]]
        (message,) = (error["message"] for error in errors if error["code"] == "quota_exceeded")
        return str(message)

    assert "Convert fewer at once" in refusal()
    settings.CONVERTER_BYTES_KEPT = 250
    assert "Delete a batch" in refusal()


def test_files_larger_than_the_storage_are_refused(server: Receiver, fetch: Any, settings: Any) -> None:
    settings.CONVERTER_BYTES_KEPT = 100
    server.answers["/a.jpg"] = (200, {}, b"x" * 101)
    (job,) = fetch(f"{server.url}/a.jpg")["jobs"]
    assert job["error"]["code"] == "quota_exceeded"


def test_files_fetched_but_not_stored_are_not_counted(
    server: Receiver, fetch: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.answers["/a.jpg"] = (200, {}, make_photo())
    monkeypatch.setattr(storage.uploads, "put", fails)
    with pytest.raises(StorageFault):
        fetch(f"{server.url}/a.jpg")
    assert Upload.objects.get().size == 0


def fails(*args: Any, **kwargs: Any) -> None:
    raise StorageFault("away")


def test_this_machine_is_not_contacted(server: Receiver, program: Program, settings: Any) -> None:
    settings.CONVERTER_OUTBOUND_ALLOWED = []
    response = program.post(
        "batches", {"files": [{"url": f"{server.url}/a.jpg"}], "outputs": [{"format": "webp"}]}
    )
    (error,) = problem(response, 422, "invalid_submission")["errors"]
    assert (error["pointer"], error["code"]) == ("/files/0/url", "fetch_failed")
    assert error["params"]["kind"] == "not_public"
    assert server.asked == []


def test_a_name_that_resolves_to_this_machine_is_not_contacted(
    server: Receiver, fetch: Any, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.CONVERTER_OUTBOUND_ALLOWED = ["192.0.2.0/24"]
    port = int(server.url.rpartition(":")[2])
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]
    monkeypatch.setattr("converter.outbound.socket.getaddrinfo", lambda *args, **kwargs: found)
    (job,) = fetch(f"http://home.example:{port}/a.jpg")["jobs"]
    assert job["error"]["params"] == {"kind": "not_public"}
    assert server.asked == []


def test_it_can_be_switched_off(program: Program, settings: Any) -> None:
    settings.CONVERTER_IMPORT_BY_URL = False
    response = program.post(
        "batches", {"files": [{"url": "https://example.org/a.jpg"}], "outputs": [{"format": "webp"}]}
    )
    body = problem(response, 422, "invalid_submission")
    assert body["errors"][0]["pointer"] == "/files/0/url"


@pytest.mark.parametrize("url", ["https://user:pw@example.org/", "https://", "http://[::1"])
def test_an_invalid_url_is_refused(program: Program, url: str) -> None:
    response = program.post("batches", {"files": [{"url": url}], "outputs": [{"format": "webp"}]})
    body = problem(response, 422, "invalid_submission")
    assert body["errors"][0]["pointer"] == "/files/0/url"
    assert not Batch.objects.exists()


def test_the_clock_retries_an_interrupted_fetch(
    program: Program, server: Receiver, worker: Any, django_capture_on_commit_callbacks: Any
) -> None:
    server.answers["/a.jpg"] = (200, {}, make_photo())
    program.post("batches", {"files": [{"url": f"{server.url}/a.jpg"}], "outputs": [{"format": "webp"}]})
    worker.asked.clear()
    Job.objects.update(created_at=timezone.now() - timedelta(minutes=5))
    with django_capture_on_commit_callbacks(execute=True):
        clock.sweep({}, None)
    worker.work()
    assert Job.objects.get().status == "finished"


def test_nothing_is_sent_for_an_image_that_is_fetched(program: Program) -> None:
    body = {"files": [{"url": "https://example.org/a.jpg"}], "outputs": [{"format": "webp"}]}
    upload = program.post("batches", body).json()["uploads"][0]["id"]
    problem(program.post(f"uploads/{upload}/form"), 409, "already_uploaded")
