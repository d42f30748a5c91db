"""A locked database delays a request once, not at each of its writes."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import OperationalError, connection

from converter import lock_timeout
from converter.models import Batch
from imagesite.accounts.models import ApiToken
from tests.api.conftest import Program, problem
from tests.conftest import make_photo

pytestmark = pytest.mark.django_db(transaction=True)

USUAL, BRIEF = 30, 10  # milliseconds


def usual_wait() -> int:
    with connection.cursor() as cursor:
        found: int = cursor.execute("PRAGMA busy_timeout").fetchone()[0]
    return found


@contextmanager
def locked() -> Iterator[None]:
    """Hold SQLite's write lock, like a long transaction of another process."""
    with closing(sqlite3.connect(str(connection.settings_dict["NAME"]), isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")


class Waits:
    """Records how long, in milliseconds, each statement waited in vain for the lock."""

    def __init__(self) -> None:
        self.all: list[int] = []

    def __call__(self, execute: Any, *statement: Any) -> Any:
        try:
            return execute(*statement)
        except OperationalError:
            self.all.append(usual_wait())
            raise


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> Iterator[Waits]:
    monkeypatch.setattr(lock_timeout, "SECONDS", BRIEF / 1000)
    usual, waits = usual_wait(), Waits()
    with connection.cursor() as cursor:
        cursor.execute(f"PRAGMA busy_timeout = {USUAL}")
        with connection.execute_wrapper(waits):
            yield waits
        cursor.execute(f"PRAGMA busy_timeout = {usual}")


def test_a_write_waits_for_less_than_twelve_seconds_in_all() -> None:
    notes = 3  # last use of the token, and two counts of requests
    assert settings.DATABASES["default"]["OPTIONS"]["timeout"] + notes * lock_timeout.SECONDS < 12


def test_a_write_to_a_locked_database_is_refused_after_one_wait(alice: Any, waits: Waits) -> None:
    program = Program(ApiToken.issue(alice, "test")[1])
    sent = {"file": SimpleUploadedFile("a.jpg", make_photo()), "recipe": '{"format": "webp"}'}
    body = {"files": [{"name": "a.jpg", "size": 5}], "outputs": [{"format": "webp"}]}
    with locked():
        for response in (program.post("batches", body), program.client.post("/api/v1/convert", sent)):
            problem(response, 503, "unavailable")
            assert response["Retry-After"] == "5"
    assert waits.all == [BRIEF, BRIEF, USUAL] * 2
    assert not Batch.objects.exists()


def test_reading_a_locked_database_hardly_waits(alice: Any, waits: Waits) -> None:
    program = Program(ApiToken.issue(alice, "test")[1])
    with locked():
        assert program.get("batches").status_code == 200
    assert waits.all == [BRIEF, BRIEF]


def test_unknown_tokens_are_refused_immediately_while_the_database_is_locked(waits: Waits) -> None:
    with locked():
        problem(Program("img_unknown").get("batches"), 401, "invalid_token")
    assert waits.all == [BRIEF]


def test_the_usual_timeout_is_restored_after_an_error() -> None:
    usual = usual_wait()
    with pytest.raises(OperationalError), lock_timeout.short_lock_timeout():
        raise OperationalError
    assert usual_wait() == usual
