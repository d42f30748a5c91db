from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from converter.api import idempotency
from converter.models import Batch, IdempotencyKey
from tests.api.conftest import Program, problem

pytestmark = [pytest.mark.django_db, pytest.mark.postgres]

BODY = {"files": [{"name": "a.jpg", "size": 5}], "outputs": [{"format": "webp"}]}
OTHER = {"files": [{"name": "b.jpg", "size": 5}], "outputs": [{"format": "webp"}]}


def test_the_same_request_is_done_once_and_answered_twice(program: Program) -> None:
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


def test_keys_of_two_users_do_not_meet(program: Program, stranger: Program) -> None:
    program.post("batches", BODY, Idempotency_Key="k")
    assert stranger.post("batches", OTHER, Idempotency_Key="k").status_code == 201


def test_a_request_that_still_runs_is_waited_for(program: Program) -> None:
    program.post("batches", BODY, Idempotency_Key="k")
    IdempotencyKey.objects.update(status=None, answer=None)
    response = program.post("batches", BODY, Idempotency_Key="k")
    problem(response, 409, "in_progress")
    assert int(response["Retry-After"]) > 0
    assert Batch.objects.count() == 1


def test_a_key_left_behind_by_a_crash_is_taken_over(program: Program) -> None:
    program.post("batches", BODY, Idempotency_Key="k")
    Batch.objects.all().delete()  # what the crash rolled back
    IdempotencyKey.objects.update(status=None, answer=None, created_at=timezone.now() - timedelta(minutes=3))
    assert program.post("batches", BODY, Idempotency_Key="k").status_code == 201
    assert Batch.objects.count() == 1
    assert IdempotencyKey.objects.get().status == 201


def test_one_that_was_overtaken_undoes_its_work(program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    claim = idempotency._claim

    def claim_and_lose(*args: Any) -> IdempotencyKey:
        row = claim(*args)
        IdempotencyKey.objects.update(created_at=timezone.now())  # another request took the key over
        return row

    monkeypatch.setattr(idempotency, "_claim", claim_and_lose)
    problem(program.post("batches", BODY, Idempotency_Key="k"), 409, "in_progress")
    assert not Batch.objects.exists()
    assert IdempotencyKey.objects.exists()


def test_a_refused_request_leaves_its_key_free(program: Program) -> None:
    wrong = {"files": [{"name": "a.jpg", "size": 5}], "outputs": [{"format": "nothing"}]}
    problem(program.post("batches", wrong, Idempotency_Key="k"), 422, "invalid_recipe")
    assert not IdempotencyKey.objects.exists()
    assert program.post("batches", BODY, Idempotency_Key="k").status_code == 201


@pytest.mark.parametrize("key", ["", "k" * 256], ids=["empty", "long"])
def test_a_key_of_impossible_length_is_refused(program: Program, key: str) -> None:
    problem(program.post("batches", BODY, Idempotency_Key=key), 422, "invalid_request")
