"""Files that arrive while the command runs."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from converter import engine
from converter.management import watching
from converter.management.planning import Plan
from tests.conftest import make_photo
from tests.server import ROOT

SOON = 20  # seconds, on a busy machine


@pytest.fixture
def looks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], set[str]]:
    """Return a function that scans the folder once more, without waiting."""
    monkeypatch.setattr(watching, "PAUSE", 0)
    plan = Plan([tmp_path], tmp_path / "out", engine.Recipe.parse({"format": "webp"}))
    found = watching.arrivals(plan)
    return lambda: {task.source.name for task in next(found)}


def test_an_unchanged_file_is_ready_once(tmp_path: Path, looks: Any) -> None:
    (tmp_path / "a.jpg").write_bytes(b"1")
    assert [looks() for _ in range(4)] == [set(), {"a.jpg"}, set(), set()]
    (tmp_path / "a.jpg").write_bytes(b"12")
    assert [looks() for _ in range(3)] == [set(), {"a.jpg"}, set()]
    (tmp_path / "b.jpg").touch()
    assert [looks() for _ in range(3)] == [set()] * 3


def test_an_open_file_is_not_ready_even_if_unchanged(tmp_path: Path, looks: Any) -> None:
    with (tmp_path / "a.jpg").open("wb") as file:
        file.write(b"1")
        file.flush()
        assert [looks() for _ in range(4)] == [set()] * 4
    assert looks() == {"a.jpg"}


def test_a_file_that_is_read_is_not_written(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"1")
    with (tmp_path / "a").open("rb"):
        assert not watching.is_written(tmp_path / "a")
    assert not watching.is_written(tmp_path / "nowhere")


@pytest.fixture
def watcher(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    (tmp_path / "in").mkdir()
    words = [str(tmp_path / "in"), "-o", str(tmp_path / "out"), "--to", "webp", "--watch", "--json"]
    process = subprocess.Popen(
        [sys.executable, ROOT / "manage.py", "convert", *words],
        env={**os.environ, "DATA_DIR": str(tmp_path / "data")},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    yield process
    process.kill()
    process.communicate()


def made(watcher: subprocess.Popen[str]) -> dict[str, Any]:
    assert watcher.stdout
    line: dict[str, Any] = json.loads(watcher.stdout.readline())
    return line


@pytest.mark.slow
@pytest.mark.system
def test_files_are_converted_soon_after_they_are_finished_and_never_half_written(
    tmp_path: Path, watcher: subprocess.Popen[str]
) -> None:
    photo = make_photo(400, 300)
    (tmp_path / "in" / "first.jpg").write_bytes(photo)
    assert made(watcher)["source"].endswith("first.jpg")  # it has started

    with (tmp_path / "in" / "slow.jpg").open("wb") as file:
        file.write(photo[: len(photo) // 2])
        file.flush()
        time.sleep(3)
        assert not (tmp_path / "out" / "slow.webp").exists()
        file.write(photo[len(photo) // 2 :])
    finished = time.monotonic()
    assert made(watcher)["target"].endswith("slow.webp")
    assert time.monotonic() - finished < SOON
    with Image.open(tmp_path / "out" / "slow.webp") as image:
        image.load()
        assert image.size == (400, 300)

    (tmp_path / "in" / ".first.jpg.part").write_bytes(make_photo(100, 50))
    (tmp_path / "in" / ".first.jpg.part").replace(tmp_path / "in" / "first.jpg")
    assert made(watcher)["width"] == 100  # its own result is replaced

    watcher.send_signal(signal.SIGTERM)
    assert watcher.wait(60) == 0


@pytest.mark.system
def test_files_converted_by_an_earlier_run_are_skipped(
    tmp_path: Path, watcher: subprocess.Popen[str]
) -> None:
    source, target = tmp_path / "in" / "done.jpg", tmp_path / "out" / "done.webp"
    target.parent.mkdir(exist_ok=True)
    target.write_bytes(b"mine")
    source.write_bytes(make_photo())
    os.utime(target, ns=(0, source.stat().st_mtime_ns))
    time.sleep(0.1)
    (tmp_path / "in" / "new.jpg").write_bytes(make_photo())
    assert made(watcher)["source"].endswith("new.jpg")
    assert target.read_bytes() == b"mine"
