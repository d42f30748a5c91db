from __future__ import annotations

import io
from typing import Any

import pytest
from PIL import Image

from converter import jobs, storage
from converter.engine import Recipe
from tests.fakes import RecordingDispatch
from tests.jobs.conftest import Send, submit, the_job

pytestmark = [
    pytest.mark.django_db(transaction=False),
    pytest.mark.postgres,
    pytest.mark.usefixtures("commit_at_once"),
]


@pytest.mark.parametrize("output", ["webp", "tiff", "pdf"])
def test_previews_are_made_when_asked_for(
    alice: Any, send: Send, worker: RecordingDispatch, photo: bytes, output: str
) -> None:
    recipe = Recipe.parse({"format": output, "rotate": 90, "resize": {"mode": "fit", "width": 30}})
    batch = submit(alice, "a.jpg", outputs=(recipe,))
    send(batch, photo)
    worker.work()
    assert jobs.preview_urls(the_job(batch)) is None
    assert worker.work() == 1
    job = the_job(batch)
    assert jobs.preview_urls(job)
    before = Image.open(io.BytesIO(storage.results.read(job.before_key)[0]))
    assert before.size == (job.result_width, job.result_height)
