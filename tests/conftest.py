from __future__ import annotations

import copy
import fcntl
import functools
import gc
import io
import itertools
import math
import os
import re
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import botocore.loaders
import botocore.session
import django.test.client
import pytest
from django.core.management.color import no_style
from django.db import connection
from django.test import Client, TransactionTestCase
from django.test.utils import ContextList
from django.utils import translation
from PIL import Image

from converter import configuration, dispatch, storage
from converter.configuration import Configuration
from converter.jobs import run
from converter.models import Batch
from tests.fakes import RecordingDispatch, remembering
from tests.receiver import Receiver, receiver
from tests.server import ACCOUNTS, Account, Server

Once = Callable[[str, Callable[[Path], None]], Path]

# Otherwise each session would load the AWS service descriptions again, which takes longer than most tests.
botocore.session.create_loader = functools.cache(botocore.loaders.create_loader)


def _empty_tables(_: TransactionTestCase) -> None:
    """Delete what a test committed.

    Django would also recreate the permissions and content types of all models, which takes longer than most
    tests; here they are kept.
    """
    stay = {"auth_permission", "django_content_type", "django_migrations"}
    tables = set(connection.introspection.django_table_names(only_existing=True, include_views=False)) - stay
    connection.ops.execute_sql_flush(connection.ops.sql_flush(no_style(), sorted(tables)))


TransactionTestCase._fixture_teardown = _empty_tables  # type: ignore[attr-defined]
# In SQLite, a rollback does not reset connection settings, so there is no need to reconnect after each test.
TransactionTestCase._should_reload_connections = lambda _: connection.vendor != "sqlite"  # type: ignore[attr-defined]

# No data needs to survive the run.
os.fsync = lambda _: None  # type: ignore[assignment]


def _keep_context_of_page(store: dict[str, Any], context: Any, **_: object) -> None:
    """Keep only the first context, which is the page's: each form field is rendered with its own."""
    if "context" not in store:
        store["context"] = ContextList([copy.copy(context)])


django.test.client.store_rendered_templates = _keep_context_of_page  # type: ignore[attr-defined]


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Skip modules that `-m "not (slow or …)"` excludes entirely: importing them took a third of collection."""
    expression = re.fullmatch(r"not \(?(\w+(?: or \w+)*)\)?", config.option.markexpr)
    if not expression:
        return None
    modules = [*collection_path.rglob("test_*.py")] or [collection_path]
    left_out = set(expression[1].split(" or "))
    return all(module.suffix == ".py" and left_out & _marks(module) for module in modules) or None


@functools.cache
def _marks(module: Path) -> set[str]:
    """Return the markers of a whole module."""
    found = re.search(r"^pytestmark = (\[[^]]*\]|.+)$", module.read_text(), re.MULTILINE)
    return set(re.findall(r"pytest\.mark\.(\w+)", found[1])) if found else set()


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[None]:
    """Exclude the collected items from garbage collection, which would spend a tenth of the time on them."""
    gc.disable()
    yield
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)  # the defaults cost a twentieth of the test time
    gc.enable()


@pytest.hookimpl(wrapper=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> Iterator[None]:
    """Rerun failed system tests once, since they wait for other programs and the machine may be busy.

    With `--dist loadgroup`, the system tests of one module run in one process, and so do all that use the
    running site, so that programs start only once. The test summary lists reruns.
    """
    for item in items:
        if item.get_closest_marker("system"):
            item.add_marker(pytest.mark.flaky(reruns=1))
            shares_site = "running_site" in getattr(item, "fixturenames", ())
            module = item.nodeid.partition("::")[0]
            item.add_marker(pytest.mark.xdist_group("running-site" if shares_site else module))
    yield
    _begin_with_the_longest(items, int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", 1)))


def _begin_with_the_longest(items: list[pytest.Item], workers: int) -> None:
    """Move tests that take minutes to where each xdist worker starts, as they would delay the end of the run."""
    minutes = {
        item: mark.kwargs["minutes"]
        for item in items
        if (mark := item.get_closest_marker("slow")) and "minutes" in mark.kwargs
    }
    longest = sorted(minutes, key=lambda item: -minutes[item])
    first_share = max(len(items) // workers // 4, 2)
    items[:] = [item for item in items if item not in minutes]
    for number, item in enumerate(longest):
        items.insert(number % workers * first_share + number // workers, item)


@pytest.fixture(scope="session")
def _new_folder(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Path]:
    """Return a faster alternative to `tmp_path`, since every test needs a folder."""
    parent, numbers = tmp_path_factory.mktemp("data"), itertools.count()

    def make() -> Path:
        folder = parent / str(next(numbers))
        folder.mkdir()
        return folder

    return make


@pytest.fixture(autouse=True)
def folders(settings: Any, _new_folder: Callable[[], Path]) -> Path:
    """Give each test buckets of its own."""
    root = _new_folder()
    settings.STORAGES = {
        **settings.STORAGES,
        **{
            name: {
                "BACKEND": "converter.storage.folder.FolderStorage",
                "OPTIONS": {"bucket": name, "root": root},
            }
            for name in ("uploads", "results")
        },
    }
    return root


@pytest.fixture(autouse=True)
def worker() -> Iterator[RecordingDispatch]:
    """Record the requests to the worker; `worker.work()` runs them."""
    recording = dispatch.current()
    assert isinstance(recording, RecordingDispatch)
    recording.asked.clear()
    yield recording
    recording.asked.clear()


@pytest.fixture(autouse=True)
def _plain_configuration() -> None:
    """Use the default configuration, without reading the database."""
    configuration.keep(Configuration(), at=math.inf)


@pytest.fixture(autouse=True)
def _default_language() -> None:
    """Reset the language, which a request in another language leaves active in its thread."""
    translation.deactivate()


@pytest.fixture(autouse=True)
def _one_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the connection open, so that events run within the test's transaction."""
    monkeypatch.setattr("converter.events.connections.close_old_connections", lambda: None)


@pytest.fixture(autouse=True)
def _limit_of_pillow(monkeypatch: pytest.MonkeyPatch) -> None:
    """Restore Pillow's pixel limit, which the engine sets for the whole process."""
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", Image.MAX_IMAGE_PIXELS)


# Most tests convert the same photo to the same formats.
run.SANDBOX.render = remembering(run.SANDBOX.render)  # type: ignore[method-assign]


@pytest.fixture(scope="session", autouse=True)
def _no_process_left() -> Iterator[None]:
    yield
    run.SANDBOX.close()


@pytest.fixture(scope="session")
def once(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Once:
    """Return a function that returns a shared folder, filled by `make` in the first process that needs it."""
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
def django_db_setup(
    request: pytest.FixtureRequest,
    once: Once,
    django_test_environment: None,
    django_db_modify_db_settings: None,
) -> None:
    """Migrate an SQLite database in only one process of the run; the others copy it."""
    if connection.vendor != "sqlite":
        request.getfixturevalue("django_db_setup")
        return

    def make(folder: Path) -> None:
        request.getfixturevalue("django_db_setup")
        with (
            request.getfixturevalue("django_db_blocker").unblock(),
            closing(sqlite3.connect(folder / "db.sqlite3")) as copy,
        ):
            connection.ensure_connection()
            connection.connection.backup(copy)
            connection.close()

    migrated = once("migrated", make) / "db.sqlite3"
    own = connection.settings_dict["TEST"]["NAME"]
    if connection.settings_dict["NAME"] != own:
        shutil.copy(migrated, own)
        connection.close()
        connection.settings_dict["NAME"] = own


@pytest.fixture(scope="session")
def new_site(once: Once) -> Path:
    """Return the data folder of an unused site."""

    def make(folder: Path) -> None:
        Server(folder).prepare()

    return once("new-site", make)


@pytest.fixture(scope="session")
def running_site(tmp_path_factory: pytest.TempPathFactory, new_site: Path) -> Iterator[dict[str, Account]]:
    """Yield accounts by name on a server shared by all tests of this process. It may fetch from localhost."""
    with Server(tmp_path_factory.mktemp("running-site"), like=new_site) as server:
        server.environment["OUTBOUND_ALLOWED"] = "127.0.0.1/32"
        made = [line.split() for line in server.python(ACCOUNTS).splitlines()]
        server.start()
        yield {name: Account(server, token, reader) for name, token, reader in made}


@pytest.fixture
def alice(django_user_model: Any) -> Any:
    """Return the user who owns the data."""
    return django_user_model.objects.create_user("alice@example.org", "correct horse battery")


@pytest.fixture
def bob(django_user_model: Any) -> Any:
    """Return a user without access to Alice's data."""
    return django_user_model.objects.create_user("bob@example.org", "correct horse battery")


@pytest.fixture
def page(alice: Any) -> Client:
    """Return Alice's browser, logged in."""
    client = Client()
    client.force_login(alice)
    return client


@pytest.fixture
def server(settings: Any) -> Iterator[Receiver]:
    """Yield a server on this machine that webhooks and imports may reach."""
    settings.CONVERTER_OUTBOUND_ALLOWED = ["127.0.0.1/32"]
    with receiver() as server:
        yield server


@pytest.fixture
def photo() -> bytes:
    return make_photo()


def streamed(response: Any) -> bytes:
    """Return the body of a streaming response."""
    return b"".join(response.streaming_content)


def text(response: Any) -> str:
    """Return the text of a response."""
    content: str = response.content.decode()
    return content


def make_photo(width: int = 64, height: int = 48, format: str = "JPEG", **options: Any) -> bytes:
    """Return a picture with gradients, so that mirroring or turning changes it."""
    red = Image.linear_gradient("L").resize((width, height))
    green = Image.linear_gradient("L").rotate(90).resize((width, height))
    file = io.BytesIO()
    Image.merge("RGB", [red, green, Image.new("L", (width, height), 80)]).save(file, format, **options)
    return file.getvalue()


@pytest.fixture
def send(worker: RecordingDispatch) -> Callable[..., None]:
    """Return a function that stores a batch's uploads where the signed form would store them."""

    def send(batch: Batch, *contents: bytes) -> None:
        uploads = {
            job.upload_id: job.upload for job in batch.jobs.select_related("upload").order_by("position")
        }
        for upload, content in zip(uploads.values(), contents, strict=True):
            storage.uploads.put(upload.key, io.BytesIO(content), filename="", content_type="")

    return send
