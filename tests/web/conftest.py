from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from converter import engine, jobs
from converter.models import Batch, Job
from tests.fakes import RecordingDispatch

FORM = {"outputs-TOTAL_FORMS": "1", "outputs-INITIAL_FORMS": "0", "outputs-0-format": "webp"}


@pytest.fixture
def strangers_page(bob: Any) -> Client:
    client = Client()
    client.force_login(bob)
    return client


@pytest.fixture
def batch(
    alice: Any, send: Callable[..., None], worker: RecordingDispatch, photo: bytes, transactional_db: None
) -> Batch:
    """Return a finished batch of one photo and two outputs."""
    made = submit(alice, photo, recipes=[{"format": "webp"}, {"format": "tiff"}])
    send(made, photo)
    worker.work()
    return made


@pytest.fixture
def job(batch: Batch) -> Job:
    found = batch.jobs.select_related("upload").order_by("position").first()
    assert found
    return found


def submit(owner: Any, *photos: bytes, recipes: list[dict[str, Any]] | None = None) -> Batch:
    return jobs.submit.submit(
        owner,
        outputs=[engine.Recipe.parse(recipe) for recipe in recipes or [{"format": "webp"}]],
        files=[jobs.NewFile(f"photo {n}.jpg", len(photo)) for n, photo in enumerate(photos)],
    )


def sent(name: str, content: bytes) -> SimpleUploadedFile:
    return SimpleUploadedFile(name, content)
