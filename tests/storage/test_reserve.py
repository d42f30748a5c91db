"""A full disk prevents no deletion, not even of rows without files."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from django.db import OperationalError, connection

from converter import jobs
from converter.engine import Recipe
from converter.jobs import NewFile
from converter.models import Batch
from converter.storage import reserve


@pytest.fixture
def data(tmp_path: Path, settings: Any) -> Path:
    settings.DATA_DIR = tmp_path
    return tmp_path


def free(size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = shutil.disk_usage("/")
    monkeypatch.setattr("converter.storage.reserve.shutil.disk_usage", lambda path: usage._replace(free=size))


@contextmanager
def refused_until_gone(file: Path) -> Iterator[None]:
    """Refuse every write to the database, like SQLite on a full disk, while the file exists."""

    def refuse(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if file.exists() and sql.startswith(("UPDATE", "INSERT", "DELETE")):
            raise OperationalError("database or disk is full")
        return execute(sql, params, many, context)

    with connection.execute_wrapper(refuse):
        yield


@pytest.mark.slow
@pytest.mark.django_db(transaction=False)
@pytest.mark.usefixtures("folders")
@pytest.mark.parametrize("act", ["batch", "account", "expiry"])
def test_a_completely_full_disk_can_still_delete_files(
    alice: Any, act: str, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch = jobs.submit.submit(
        alice, files=[NewFile("a.jpg", 10)], outputs=(Recipe.parse({"format": "webp"}),)
    )
    reserve.keep()
    free(0, monkeypatch)
    with refused_until_gone(data / "reserve"):
        if act == "batch":
            jobs.remove(batch)
        elif act == "account":
            jobs.remove_all(alice)
        else:
            jobs.expire(batch)
    assert Batch.objects.filter(expired_at=None).count() == 0


def test_the_reserve_is_kept_while_there_is_space(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reserve.keep()
    assert (data / "reserve").stat().st_size == reserve.SIZE
    free(reserve.SIZE, monkeypatch)
    reserve.give_back()
    assert (data / "reserve").exists()


def test_no_reserve_is_created_on_a_nearly_full_disk(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    free(4 * reserve.LEAST - 1, monkeypatch)
    reserve.keep()
    assert os.listdir(data) == []


def test_a_small_disk_has_a_smaller_reserve(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    free(2 * reserve.SIZE, monkeypatch)
    reserve.keep()
    assert (data / "reserve").stat().st_size == reserve.SIZE // 2
    free(0, monkeypatch)
    reserve.give_back()
    assert os.listdir(data) == []
