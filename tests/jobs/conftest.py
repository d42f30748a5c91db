from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from converter import jobs, storage
from converter.engine import Recipe
from converter.jobs import NewFile
from converter.models import Batch, Job

WEBP = Recipe.parse({"format": "webp"})
PNG = Recipe.parse({"format": "png"})

Send = Callable[..., None]


@pytest.fixture
def commit_at_once(django_capture_on_commit_callbacks: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run on_commit callbacks immediately."""
    monkeypatch.setattr("django.db.transaction.on_commit", lambda act: act())


def submit(owner: Any, *names: str, outputs: tuple[Recipe, ...] = (WEBP,), size: int = 10_000) -> Batch:
    return jobs.submit.submit(owner, files=[NewFile(name, size) for name in names], outputs=outputs)


def statuses(batch: Batch) -> list[str]:
    return list(batch.jobs.order_by("position").values_list("status", flat=True))


def the_job(batch: Batch) -> Job:
    return batch.jobs.select_related("upload").get()


def put(key: str, content: bytes) -> None:
    storage.uploads.put(key, io.BytesIO(content), filename="", content_type="")


def files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]
