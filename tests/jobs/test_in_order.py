"""Long writes of several threads to SQLite."""

from __future__ import annotations

from threading import Event, Thread
from typing import Any

import pytest
from django.db import OperationalError, connection

from converter.jobs import in_order


@pytest.fixture(autouse=True)
def _sqlite(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "vendor", "sqlite")


@pytest.fixture
def writing() -> Any:
    """Let another thread write until the test ends."""
    started, may_end = Event(), Event()

    def write() -> None:
        with in_order.in_order():
            started.set()
            may_end.wait(10)

    thread = Thread(target=write)
    thread.start()
    started.wait(10)
    yield may_end
    may_end.set()
    thread.join()


def test_a_long_write_waits_for_that_of_another_thread(writing: Event) -> None:
    writing.set()
    with in_order.in_order():
        pass


def test_the_wait_ends_with_the_error_of_a_locked_database(
    writing: Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(in_order, "SECONDS", 0.01)
    with pytest.raises(OperationalError), in_order.in_order():
        pass


def test_a_failed_write_lets_the_next_one_begin() -> None:
    with pytest.raises(ZeroDivisionError), in_order.in_order():
        raise ZeroDivisionError
    with in_order.in_order():
        pass


def test_other_databases_write_at_the_same_time(writing: Event, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "vendor", "postgresql")
    with in_order.in_order():
        assert not writing.is_set()
