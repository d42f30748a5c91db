"""Many simultaneous requests, each with its own database connection."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest
from django.db import connection

from converter import jobs
from converter.api import rates
from converter.models import Batch, IdempotencyKey
from imagesite.accounts.models import ApiToken
from tests.api.conftest import Clock, Program

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.postgres]

THREADS = 8
BODY = {"files": [{"name": "a.jpg", "size": 5}], "outputs": [{"format": "webp"}]}


def at_once(act: Callable[[], Any]) -> list[Any]:
    """Return the results of the function in several threads that start simultaneously."""
    barrier = Barrier(THREADS)

    def one(_: int) -> Any:
        try:
            barrier.wait(60)
            return act()
        finally:
            connection.close()

    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(one, range(THREADS)))


@pytest.mark.long
def test_of_equal_requests_with_one_key_one_is_executed(alice: Any) -> None:
    secret = ApiToken.issue(alice, "test")[1]
    answers = at_once(lambda: Program(secret).post("batches", BODY, Idempotency_Key="k"))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert Batch.objects.count() == 1
    assert IdempotencyKey.objects.get().status == 201


@pytest.mark.parametrize("key", [None, "k"])
def test_the_database_is_not_locked_while_a_response_is_made(
    alice: Any, monkeypatch: pytest.MonkeyPatch, key: str | None
) -> None:
    upload_form = jobs.upload_form
    was_locked = []

    def note_and_make(upload: Any) -> Any:
        was_locked.append(connection.in_atomic_block)
        return upload_form(upload)

    monkeypatch.setattr(jobs, "upload_form", note_and_make)
    headers = {"Idempotency_Key": key} if key else {}
    assert Program(ApiToken.issue(alice, "test")[1]).post("batches", BODY, **headers).status_code == 201
    assert was_locked == [False]


@pytest.mark.long
def test_of_too_many_requests_exactly_those_allowed_are_served(
    alice: Any, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.CONVERTER_REQUESTS_A_MINUTE = 3
    monkeypatch.setattr(rates, "time", Clock())
    secret = ApiToken.issue(alice, "test")[1]
    answers = at_once(lambda: Program(secret).get("formats").status_code)
    assert Counter(answers) == {200: 3, 429: THREADS - 3}


@pytest.mark.long
def test_concurrent_requests_cannot_exceed_the_quota(alice: Any, settings: Any) -> None:
    settings.CONVERTER_JOBS_A_DAY = 3
    secret = ApiToken.issue(alice, "test")[1]
    answers = at_once(lambda: Program(secret).post("batches", BODY).status_code)
    assert Counter(answers) == {201: 3, 429: THREADS - 3}


@pytest.mark.long
def test_concurrent_files_cannot_exceed_the_quota(alice: Any, settings: Any, folders: Path) -> None:
    settings.CONVERTER_BYTES_KEPT = 30
    files = iter([jobs.NewFile("a.png", 10)] * THREADS)

    def keep() -> bool:
        try:
            jobs.keep_image(alice, next(files))
        except jobs.OverQuota:
            return False
        return True

    assert Counter(at_once(keep)) == {True: 3, False: THREADS - 3}
