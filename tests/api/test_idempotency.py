from __future__ import annotations

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import OperationalError

from converter.api import idempotency, waiting
from converter.jobs.run import run
from converter.models import Batch, IdempotencyKey, Job
from converter.storage import StorageFault
from tests.api.conftest import Program, problem
from tests.conftest import make_photo

pytestmark = [pytest.mark.django_db, pytest.mark.postgres]

PHOTO = make_photo(8, 8)
BODY = {"files": [{"name": "a.jpg", "size": 5}], "outputs": [{"format": "webp"}]}
OTHER = {"files": [{"name": "b.jpg", "size": 5}], "outputs": [{"format": "webp"}]}


def test_a_repeated_request_is_executed_once_and_answered_twice(program: Program) -> None:
    first = program.post("batches", BODY, Idempotency_Key="k")
    second = program.post("batches", BODY, Idempotency_Key="k")
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json() == second.json()
    assert first["Location"] == second["Location"] == f"/api/v1/batches/{first.json()['id']}"
    assert "Idempotent-Replayed" not in first
    assert second["Idempotent-Replayed"] == "true"
    assert Batch.objects.count() == 1


def test_the_same_key_with_another_body_is_refused(program: Program) -> None:
    program.post("batches", BODY, Idempotency_Key="k")
    problem(program.post("batches", OTHER, Idempotency_Key="k"), 422, "key_reused")
    assert Batch.objects.count() == 1


def test_keys_of_two_users_are_independent(program: Program, stranger: Program) -> None:
    program.post("batches", BODY, Idempotency_Key="k")
    assert stranger.post("batches", OTHER, Idempotency_Key="k").status_code == 201


def test_a_response_that_a_crash_left_unstored_is_made_again(program: Program) -> None:
    first = program.post("batches", BODY, Idempotency_Key="k").json()
    IdempotencyKey.objects.update(status=None, answer=None)
    for _ in range(2):
        second = program.post("batches", BODY, Idempotency_Key="k")
        assert second.status_code == 201
        assert second["Idempotent-Replayed"] == "true"
        assert second.json()["id"] == first["id"]
        assert IdempotencyKey.objects.get().answer == second.json()
    assert Batch.objects.count() == 1


def test_a_batch_deleted_before_its_response_was_stored_is_gone(program: Program) -> None:
    program.post("batches", BODY, Idempotency_Key="k")
    IdempotencyKey.objects.update(status=None, answer=None)
    Batch.objects.all().delete()
    problem(program.post("batches", BODY, Idempotency_Key="k"), 410, "expired")
    assert not Batch.objects.exists()


def test_a_request_overtaken_by_its_repetition_returns_the_same_batch(
    program: Program, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.CONVERTER_JOBS_A_DAY = 1
    first = program.post("batches", BODY, Idempotency_Key="k").json()
    earlier = idempotency._earlier
    answers = iter([lambda row: None, earlier])  # the other request finishes after the first look
    monkeypatch.setattr(idempotency, "_earlier", lambda row: next(answers)(row))
    second = program.post("batches", BODY, Idempotency_Key="k")
    assert (second.status_code, second.json()) == (201, first)
    assert Batch.objects.count() == 1


def test_a_batch_that_cannot_be_created_leaves_its_key_free(
    program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(
            "converter.jobs.submit._enqueue", lambda *_: (_ for _ in ()).throw(StorageFault("down"))
        )
        assert program.post("batches", BODY, Idempotency_Key="k").status_code == 503
    assert not IdempotencyKey.objects.exists()
    assert program.post("batches", BODY, Idempotency_Key="k").status_code == 201
    assert Batch.objects.count() == 1


def test_a_busy_database_costs_only_the_stored_response(
    program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    def busy() -> Any:
        raise OperationalError("database is locked")

    with monkeypatch.context() as patch:
        patch.setattr(idempotency, "short_lock_timeout", busy)
        first = program.post("batches", BODY, Idempotency_Key="k")
    assert first.status_code == 201
    assert program.post("batches", BODY, Idempotency_Key="k").json()["id"] == first.json()["id"]


def test_a_refused_request_leaves_its_key_free(program: Program) -> None:
    wrong = {"files": [{"name": "a.jpg", "size": 5}], "outputs": [{"format": "nothing"}]}
    problem(program.post("batches", wrong, Idempotency_Key="k"), 422, "invalid_recipe")
    assert not IdempotencyKey.objects.exists()
    assert program.post("batches", BODY, Idempotency_Key="k").status_code == 201


@pytest.mark.parametrize("key", ["", "k" * 256], ids=["empty", "long"])
def test_a_key_of_impossible_length_is_refused(program: Program, key: str) -> None:
    problem(program.post("batches", BODY, Idempotency_Key=key), 422, "invalid_request")


# --- Conversion in one request -----------------------------------------------------------------------------


@pytest.fixture
def converted(program: Program, worker: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return a function that converts an image sent as a form, while a worker runs."""

    def until_done(job: Job, seconds: float) -> bool:
        worker.work()
        run(job.upload_id)
        return True

    monkeypatch.setattr(waiting, "until_done", until_done)

    def convert(key: str | None = "k", photo: bytes = PHOTO, name: str = "a.jpg", **fields: str) -> Any:
        form = {"file": SimpleUploadedFile(name, photo), "recipe": '{"format": "webp"}', **fields}
        return program.client.post("/api/v1/convert", form, headers={"Idempotency-Key": key} if key else {})

    return convert


@pytest.mark.long
def test_an_image_is_converted_once_and_answered_twice(converted: Any) -> None:
    first, second = converted(), converted()
    assert (first.status_code, second.status_code) == (200, 200)
    assert first.content == second.content
    assert first["Job-Id"] == second["Job-Id"]
    assert "Idempotent-Replayed" not in first
    assert second["Idempotent-Replayed"] == "true"
    assert Batch.objects.count() == 1
    assert converted(key=None)["Job-Id"] != first["Job-Id"]


@pytest.mark.parametrize(
    "other",
    [{"recipe": '{"format": "png"}'}, {"keep": "false"}, {"photo": PHOTO + b"x"}, {"name": "b.jpg"}],
    ids=["recipe", "keep", "file", "name"],
)
def test_another_image_with_the_same_key_is_refused(converted: Any, other: dict[str, Any]) -> None:
    converted()
    problem(converted(**other), 422, "key_reused")
    assert Batch.objects.count() == 1


def test_a_failure_is_answered_again(converted: Any) -> None:
    first, second = converted(photo=b"no image"), converted(photo=b"no image")
    for response in (first, second):
        problem(response, 422, "not_an_image")
    assert first["Job-Id"] == second["Job-Id"]
    assert second["Idempotent-Replayed"] == "true"


def test_an_image_whose_request_broke_off_before_it_was_stored_is_converted_after_all(
    converted: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr("converter.jobs.store", lambda *_: (_ for _ in ()).throw(StorageFault("full")))
        assert converted().status_code == 503
    assert converted().status_code == 200
    assert Batch.objects.count() == 1


def test_a_response_with_keep_false_is_not_repeated(converted: Any) -> None:
    assert converted(keep="false").status_code == 200
    problem(converted(keep="false"), 410, "expired")
    assert not Batch.objects.exists()


def test_a_job_deleted_while_a_request_waits_for_it_is_gone(
    converted: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As when the request is repeated with keep=false before the first response."""
    monkeypatch.setattr(waiting, "until_done", lambda job, _: bool(job.batch.delete()))
    problem(converted(), 410, "expired")


def test_a_key_that_vanishes_while_it_is_taken_is_gone(
    program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    program.post("batches", BODY, Idempotency_Key="k")
    monkeypatch.setattr(idempotency, "_earlier", lambda row: None)  # as deleted by the sweep
    problem(program.post("batches", BODY, Idempotency_Key="k"), 410, "expired")


def test_a_refused_image_leaves_its_key_free(converted: Any) -> None:
    problem(converted(recipe='{"format": "nothing"}'), 422, "invalid_recipe")
    assert converted().status_code == 200
