from __future__ import annotations

import fcntl
import functools
import io
import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import botocore.loaders
import botocore.session
import pytest
from PIL import Image

from converter import configuration, dispatch, storage
from converter.configuration import Configuration
from converter.jobs import run
from converter.models import Batch
from tests.fakes import RecordingDispatch
from tests.server import Server

Once = Callable[[str, Callable[[Path], None]], Path]

# Each session would read AWS's descriptions of its services again, which takes longer than most tests.
botocore.session.create_loader = functools.cache(botocore.loaders.create_loader)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run what waits for other programs once more if it fails: the machine may be busy. The summary names it."""
    for item in items:
        if item.get_closest_marker("system"):
            item.add_marker(pytest.mark.flaky(reruns=1))


@pytest.fixture(autouse=True)
def folders(settings: Any, tmp_path: Path) -> Path:
    """Give each test buckets of its own."""
    settings.STORAGES = {
        **settings.STORAGES,
        **{
            name: {
                "BACKEND": "converter.storage.folder.FolderStorage",
                "OPTIONS": {"bucket": name, "root": tmp_path / "data"},
            }
            for name in ("uploads", "results")
        },
    }
    (tmp_path / "data").mkdir()
    return tmp_path / "data"


@pytest.fixture(autouse=True)
def worker() -> Iterator[RecordingDispatch]:
    """The requests made of the worker; `worker.work()` does them."""
    recording = dispatch.current()
    assert isinstance(recording, RecordingDispatch)
    recording.asked.clear()
    yield recording
    recording.asked.clear()


@pytest.fixture(autouse=True)
def _plain_configuration() -> None:
    """Nothing set by staff, and nothing to read for it."""
    configuration.keep(Configuration(), at=math.inf)


@pytest.fixture(autouse=True)
def _one_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    """Events run within the test's own transaction."""
    monkeypatch.setattr("converter.events.connections.close_old_connections", lambda: None)


@pytest.fixture(autouse=True)
def _limit_of_pillow(monkeypatch: pytest.MonkeyPatch) -> None:
    """The engine sets it for its process, which here goes on to other tests."""
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", Image.MAX_IMAGE_PIXELS)


@pytest.fixture(scope="session", autouse=True)
def _no_process_left() -> Iterator[None]:
    yield
    run.SANDBOX.close()


@pytest.fixture(scope="session")
def once(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Once:
    """Return the folder of that name as `make` left it: made by the first process of the run that asks."""
    own = tmp_path_factory.getbasetemp()
    shared = own if worker_id == "master" else own.parent

    def once(name: str, make: Callable[[Path], None]) -> Path:
        folder, made = shared / name, shared / f"{name}.made"
        with (shared / f"{name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not made.exists():
                folder.mkdir(exist_ok=True)
                make(folder)
                made.touch()
        return folder

    return once


@pytest.fixture(scope="session")
def new_site(once: Once) -> Path:
    """The data folder of a site that nobody has used yet."""

    def make(folder: Path) -> None:
        Server(folder).prepare()

    return once("new-site", make)


@pytest.fixture
def alice(django_user_model: Any) -> Any:
    """The owner."""
    return django_user_model.objects.create_user("alice@example.org", "correct horse battery")


@pytest.fixture
def bob(django_user_model: Any) -> Any:
    """A stranger."""
    return django_user_model.objects.create_user("bob@example.org", "correct horse battery")


@pytest.fixture
def photo() -> bytes:
    return make_photo()


def streamed(response: Any) -> bytes:
    """Return the body of a response that is sent in parts."""
    return b"".join(response.streaming_content)


def make_photo(width: int = 64, height: int = 48, format: str = "JPEG", **options: Any) -> bytes:
    """Return a picture with a gradient, so that a mirrored or turned one differs."""
    red = Image.linear_gradient("L").resize((width, height))
    green = Image.linear_gradient("L").rotate(90).resize((width, height))
    file = io.BytesIO()
    Image.merge("RGB", [red, green, Image.new("L", (width, height), 80)]).save(file, format, **options)
    return file.getvalue()


@pytest.fixture
def send(worker: RecordingDispatch) -> Callable[..., None]:
    """Put the bytes of a batch's uploads where the signed form would put them."""

    def send(batch: Batch, *contents: bytes) -> None:
        uploads = {
            job.upload_id: job.upload for job in batch.jobs.select_related("upload").order_by("position")
        }
        for upload, content in zip(uploads.values(), contents, strict=True):
            storage.uploads.put(upload.key, io.BytesIO(content), filename="", content_type="")

    return send
