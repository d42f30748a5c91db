"""Long writes of several threads to SQLite."""

from __future__ import annotations

from collections.abc import Iterator
from threading import Event, Thread
from unittest.mock import Mock

import pytest
from django.db import OperationalError, connection

from converter.jobs import in_order


@pytest.fixture(autouse=True)
def _sqlite(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "vendor", "sqlite")


class Writing:
    """What another thread is doing."""

    def __init__(self) -> None:
        self.started, self.may_end, self.ended = Event(), Event(), Event()


@pytest.fixture
def writing() -> Iterator[Writing]:
    """Let another thread write until the test ends."""
    state = Writing()

    def write() -> None:
        with in_order.in_order():
            state.started.set()
            state.may_end.wait(10)
            state.ended.set()

    thread = Thread(target=write)
    thread.start()
    state.started.wait(10)
    yield state
    state.may_end.set()
    thread.join()


def test_a_long_write_waits_for_that_of_another_thread(
    writing: Writing, monkeypatch: pytest.MonkeyPatch
) -> None:
    turn = in_order._TURN

    def acquire(timeout: float) -> bool:
        writing.may_end.set()
        return turn.acquire(timeout=timeout)

    monkeypatch.setattr(in_order, "_TURN", Mock(acquire=acquire, release=turn.release))
    with in_order.in_order():
        assert writing.ended.is_set()


def test_the_wait_ends_with_the_error_of_a_locked_database(
    writing: Writing, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(in_order, "SECONDS", 0.01)
    with pytest.raises(OperationalError), in_order.in_order():
        pass


def test_a_failed_write_lets_the_next_one_begin() -> None:
    with pytest.raises(ZeroDivisionError), in_order.in_order():
        raise ZeroDivisionError
    with in_order.in_order():
        pass


def test_other_databases_write_at_the_same_time(writing: Writing, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "vendor", "postgresql")
    with in_order.in_order():
        assert not writing.ended.is_set()
