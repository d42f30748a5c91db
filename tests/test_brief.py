"""A database that is locked holds up a request once, not at each of its writes."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import OperationalError, connection

from converter import brief
from converter.models import Batch
from imagesite.accounts.models import ApiToken
from tests.api.conftest import Program, problem
from tests.conftest import make_photo

pytestmark = pytest.mark.django_db(transaction=True)

USUAL, BRIEF = 0.4, 0.02  # seconds


def usual_wait() -> int:
    with connection.cursor() as cursor:
        found: int = cursor.execute("PRAGMA busy_timeout").fetchone()[0]
    return found


@contextmanager
def locked() -> Iterator[None]:
    """Hold SQLite's only lock for writing, as a long transaction of another process does."""
    with closing(sqlite3.connect(str(connection.settings_dict["NAME"]), isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")


@pytest.fixture
def _quick(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(brief, "SECONDS", BRIEF)
    usual = usual_wait()
    with connection.cursor() as cursor:
        cursor.execute(f"PRAGMA busy_timeout = {round(USUAL * 1000)}")
        yield
        cursor.execute(f"PRAGMA busy_timeout = {usual}")


def test_a_write_waits_for_less_than_ten_seconds_in_all() -> None:
    notes = 3  # when the token was used, and two counts of requests
    assert settings.DATABASES["default"]["OPTIONS"]["timeout"] + notes * brief.SECONDS <= 11


@pytest.mark.usefixtures("_quick")
def test_a_write_to_a_locked_database_is_refused_after_one_wait(alice: Any) -> None:
    program = Program(ApiToken.issue(alice, "test")[1])
    sent = {"file": SimpleUploadedFile("a.jpg", make_photo()), "recipe": '{"format": "webp"}'}
    body = {"files": [{"name": "a.jpg", "size": 5}], "outputs": [{"format": "webp"}]}
    with locked():
        for post in (
            lambda: program.post("batches", body),
            lambda: program.client.post("/api/v1/convert", sent),
        ):
            began = time.monotonic()
            response = post()
            assert USUAL <= time.monotonic() - began < 2 * USUAL
            problem(response, 503, "unavailable")
            assert response["Retry-After"] == "5"
    assert not Batch.objects.exists()
    assert usual_wait() == round(USUAL * 1000)


@pytest.mark.usefixtures("_quick")
def test_reading_a_locked_database_hardly_waits(alice: Any) -> None:
    program = Program(ApiToken.issue(alice, "test")[1])
    with locked():
        began = time.monotonic()
        assert program.get("batches").status_code == 200
        assert time.monotonic() - began < USUAL


@pytest.mark.usefixtures("_quick")
def test_unknown_tokens_are_told_at_once_while_the_database_is_locked() -> None:
    with locked():
        began = time.monotonic()
        problem(Program("img_unknown").get("batches"), 401, "invalid_token")
        assert time.monotonic() - began < USUAL


def test_the_usual_wait_comes_back_after_an_error() -> None:
    usual = usual_wait()
    with pytest.raises(OperationalError), brief.brief_wait():
        raise OperationalError
    assert usual_wait() == usual
