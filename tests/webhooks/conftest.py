from __future__ import annotations

import json
from typing import Any

import pytest

from converter import jobs, storage
from converter.engine import Recipe
from converter.jobs.submit import submit
from converter.models import Batch, Upload, Webhook
from converter.webhooks import signing
from tests.conftest import make_photo
from tests.receiver import Receiver


@pytest.fixture
def webhook(alice: Any, server: Receiver) -> Webhook:
    return Webhook.objects.create(
        owner=alice, url=f"{server.url}/hook", events=list(Webhook.Event.values), secret=signing.new_secret()
    )


@pytest.fixture
def convert(alice: Any, send: Any, worker: Any, django_capture_on_commit_callbacks: Any) -> Any:
    def convert(*contents: bytes) -> Batch:
        files = [jobs.NewFile(f"{n}.jpg", len(content)) for n, content in enumerate(contents)]
        batch = submit(alice, outputs=[Recipe.parse({"format": "webp"})], files=files)
        with django_capture_on_commit_callbacks(execute=True):
            send(batch, *contents)
            worker.work()
        worker.work()
        return batch

    return convert


@pytest.fixture
def upload(alice: Any, send: Any) -> Upload:
    """Return a received upload with one queued job."""
    photo = make_photo()
    files = [jobs.NewFile("a.jpg", len(photo))]
    batch = submit(alice, outputs=[Recipe.parse({"format": "webp"})], files=files)
    send(batch, photo)
    job = batch.jobs.select_related("upload").get()
    jobs.receive(job.upload.key, storage.uploads.stat(job.upload.key))
    return job.upload


def told(server: Receiver) -> list[str]:
    return [json.loads(asked.body)["type"] for asked in server.asked]


def killed(*args: Any, **kwargs: Any) -> None:
    raise SystemExit("killed")
