from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from django.utils.module_loading import import_string

from converter.dispatch import pool
from converter.dispatch.pool import PoolDispatch

pytestmark = pytest.mark.long


@pytest.fixture
def dispatch() -> Iterator[PoolDispatch]:
    dispatch = PoolDispatch(workers=1)
    yield dispatch
    dispatch.close()


@pytest.fixture
def noted(tmp_path: Path) -> Callable[[], list[int]]:
    """Return a function that waits for the task and returns its process ID and its parent's."""

    def noted() -> list[int]:
        for _ in range(1200):
            if words := (tmp_path / "note").exists() and (tmp_path / "note").read_text().split():
                return [int(word) for word in words]
            time.sleep(0.05)
        raise AssertionError("nobody did it")

    return noted


@pytest.mark.parametrize("act", ["note", "ask_further"])
def test_all_tasks_run_in_the_processes_of_one_pool(
    dispatch: PoolDispatch, tmp_path: Path, noted: Callable[[], list[int]], act: str
) -> None:
    dispatch.ask(f"tests.dispatch.tasks.{act}", {"file": str(tmp_path / "note")})
    _, parent = noted()
    assert parent == os.getpid()


def test_a_failing_task_leaves_the_pool_working(
    dispatch: PoolDispatch, tmp_path: Path, noted: Callable[[], list[int]], caplog: pytest.LogCaptureFixture
) -> None:
    dispatch.ask("tests.dispatch.tasks.break_down", {})
    dispatch.ask("tests.dispatch.tasks.note", {"file": str(tmp_path / "note")})
    noted()
    assert "A task failed in a worker" in caplog.text


def test_tasks_that_wait_for_other_hosts_hold_no_worker(
    tmp_path: Path, noted: Callable[[], list[int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool, "WAITING", {"tests.dispatch.tasks.note": pool.Places(4, each=2)})
    dispatch = PoolDispatch(workers=1)
    try:
        dispatch.ask("tests.dispatch.tasks.ask_further", {"file": str(tmp_path / "note")})
        assert noted()[0] == os.getpid()
    finally:
        dispatch.close()


def test_a_user_with_many_tasks_lets_others_have_their_turn(dispatch: PoolDispatch, tmp_path: Path) -> None:
    log, hold = tmp_path / "log", tmp_path / "hold"
    hold.touch()
    much = [f"much {number}" for number in range(20)]
    for line in much:  # the first takes until all have been requested
        dispatch.ask(
            "tests.dispatch.tasks.wait", {"file": str(log), "line": line, "while": str(hold)}, "much"
        )
    dispatch.ask("tests.dispatch.tasks.add_line", {"file": str(log), "line": "little"}, "little")
    hold.unlink()
    for _ in range(1200):
        lines = log.read_text().splitlines() if log.exists() else []
        if len(lines) == 21:
            break
        time.sleep(0.05)
    assert lines.index("little") <= 2
    assert [line for line in lines if line != "little"] == much


def test_a_killed_worker_loses_only_its_current_task(dispatch: PoolDispatch, tmp_path: Path) -> None:
    log = tmp_path / "log"
    dispatch.ask("tests.dispatch.tasks.die", {})
    for number in range(20):
        dispatch.ask(
            "tests.dispatch.tasks.add_line", {"file": str(log), "line": str(number)}, str(number % 3)
        )
    for _ in range(1200):
        if log.exists() and len(log.read_text().split()) == 20:
            break
        time.sleep(0.05)
    assert sorted(map(int, log.read_text().split())) == list(range(20))


def test_a_slow_receiver_does_not_delay_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hold = tmp_path / "hold"
    hold.touch()
    monkeypatch.setattr(pool, "WAITING", {"tests.dispatch.tasks.wait": pool.Places(4, each=2)})
    dispatch = PoolDispatch(workers=1)
    try:
        for number in range(20):
            event = {"file": str(tmp_path / "log"), "line": f"slow {number}", "while": str(hold)}
            dispatch.ask("tests.dispatch.tasks.wait", event, "slow")
        dispatch.ask("tests.dispatch.tasks.wait", {"file": str(tmp_path / "quick"), "line": "quick"}, "quick")
        for _ in range(1200):
            if (tmp_path / "quick").exists():
                break
            time.sleep(0.05)
        assert (tmp_path / "quick").exists()
        assert not (tmp_path / "log").exists()
    finally:
        hold.unlink()
        dispatch.close()


def test_a_pool_that_ends_waits_for_no_long_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool, "GRACE", 0.1)
    monkeypatch.setattr(pool, "WAITING", {"tests.dispatch.tasks.wait": pool.Places(1, each=1)})
    hold = tmp_path / "hold"
    hold.touch()
    dispatch = PoolDispatch(workers=1)
    try:
        event = {"file": str(tmp_path / "log"), "line": "late", "while": str(hold)}
        dispatch.ask("tests.dispatch.tasks.wait", event)  # in a thread
        dispatch.ask("tests.dispatch.tasks.begin_and_wait", {"begun": str(tmp_path / "begun"), **event})
        begun = tmp_path / "begun"
        for _ in range(1200):
            if begun.exists() and begun.read_text():
                break
            time.sleep(0.05)
        worker = psutil.Process(int(begun.read_text()))
        dispatch.close()
        assert not worker.is_running()
        assert not (tmp_path / "log").exists()
    finally:
        hold.unlink()


def test_waiting_tasks_have_the_name_of_their_function() -> None:
    assert all(callable(import_string(target)) for target in pool.WAITING)


def test_a_pool_that_is_closed_starts_nothing_more(dispatch: PoolDispatch, tmp_path: Path) -> None:
    dispatch.close()
    dispatch.ask("tests.dispatch.tasks.note", {"file": str(tmp_path / "note")})
    with pytest.raises(RuntimeError, match="closed"):
        dispatch.start()
    assert dispatch._pool is None
