"""A worker may be killed at any line, and any call may fail: nothing is lost, and nothing is done twice."""

from __future__ import annotations

import inspect
import io
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from types import FrameType
from typing import Any

import pytest
from django.db import OperationalError, connection
from django.utils import timezone

from converter import jobs, metadata, storage
from converter.engine import Recipe
from converter.events import s3
from converter.events.local import s3_event
from converter.jobs import run, uploads
from converter.jobs.submit import submit
from converter.jobs.sweep import sweep
from converter.models import Job, Upload
from converter.sandbox import Answer, Probed, Rendered, Sandbox
from converter.storage import StorageFault
from converter.storage.folder import FolderStorage
from tests.conftest import make_photo
from tests.fakes import RecordingDispatch

pytestmark = [pytest.mark.long, pytest.mark.postgres]

OUTPUTS = [Recipe.parse({"format": "webp"}), Recipe.parse({"format": "png"})]
PHOTO = make_photo()


class Killed(BaseException):
    """The process is killed: not to be caught."""


class Remembering(Sandbox):
    """Converts once and returns the stored result afterwards, so that many runs of a worker can be tested."""

    def __init__(self) -> None:
        super().__init__()
        self.known: dict[Recipe, Rendered] = {}
        self.facts = Probed({})

    def render(
        self, data: bytes, recipes: Sequence[Recipe], limits: Any, images: Any = None, wanted: Any = None
    ) -> Iterator[Answer]:
        if new := [recipe for recipe in recipes if recipe not in self.known]:
            facts, *made = super().render(data, new, limits, images)
            assert isinstance(facts, Probed)
            self.facts = facts
            for recipe, answer in zip(new, made, strict=True):
                assert isinstance(answer, Rendered)
                self.known[recipe] = answer
        yield self.facts
        for index, recipe in enumerate(recipes):
            yield replace(self.known[recipe], index=index)


@pytest.fixture(autouse=True)
def _sandbox(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    sandbox = Remembering()
    monkeypatch.setattr(run, "SANDBOX", sandbox)
    monkeypatch.setattr("django.db.transaction.on_commit", lambda act: act())
    yield
    sandbox.close()


@pytest.fixture
def uploaded(alice: Any, worker: RecordingDispatch) -> Callable[[], dict[str, Any]]:
    """Return a function that makes an upload with two outputs and returns its event."""

    def upload() -> dict[str, Any]:
        Job.objects.all().delete()
        batch = submit(alice, files=[jobs.NewFile("a.jpg", len(PHOTO))], outputs=OUTPUTS)
        key = Upload.objects.get(jobs__batch=batch, jobs__position=0).key
        stored = storage.uploads.put(key, io.BytesIO(PHOTO), filename="", content_type="")
        worker.asked.clear()
        return s3_event("uploads", key, stored)

    return upload


def later() -> None:
    """Let enough time pass for leases to end and for the sweep to find what was lost."""
    past = timezone.now() - timedelta(minutes=10)
    Job.objects.filter(lease_until__isnull=False).update(lease_until=past)
    Job.objects.filter(asked_at__isnull=False).update(asked_at=past)
    Job.objects.update(created_at=past)


class InLambda:
    """The used part of Lambda's context."""

    aws_request_id = "8f5c1f0e"


def test_lambdas_own_tries_take_up_what_a_killed_worker_left(
    uploaded: Callable[[], dict[str, Any]], worker: RecordingDispatch, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Lambda retries one minute after the end of the first attempt, and two minutes after the second."""
    event, now = uploaded(), timezone.now
    be_killed(event, InLambda(), monkeypatch)
    monkeypatch.setattr(timezone, "now", lambda: now() + timedelta(seconds=60))
    with pytest.raises(jobs.StillRunning):
        s3.on_upload(event, InLambda())
    monkeypatch.setattr(timezone, "now", lambda: now() + timedelta(seconds=60 + 120))
    s3.on_upload(event, InLambda())
    assert {job.status for job in Job.objects.all()} == {"finished"}


def test_at_home_a_repeated_event_is_no_fault(
    uploaded: Callable[[], dict[str, Any]], worker: RecordingDispatch, monkeypatch: pytest.MonkeyPatch
) -> None:
    event = uploaded()
    be_killed(event, None, monkeypatch)
    s3.on_upload(event, None)
    check(event, worker)


def be_killed(event: dict[str, Any], context: object, monkeypatch: pytest.MonkeyPatch) -> None:
    def kill(*arguments: Any) -> None:
        raise Killed

    with monkeypatch.context() as killing:
        killing.setattr(run, "_finish", kill)
        with pytest.raises(Killed):
            s3.on_upload(event, context)


def check(event: dict[str, Any], worker: RecordingDispatch) -> None:
    """Check that after one more attempt and the hourly event, all is as without the fault."""
    later()
    s3.on_upload(event, None)
    sweep()
    worker.work()
    made = list(Job.objects.order_by("position"))
    assert [job.status for job in made] == ["finished", "finished"]
    for job in made:
        data, stored = storage.results.read(job.result_key)
        assert isinstance(run.SANDBOX, Remembering)
        assert data == run.SANDBOX.known[job.parsed_recipe].data
        assert stored.size == job.result_size
    upload = made[0].upload
    item = metadata.store().get(upload.pk)
    assert item
    assert [output["format"] for output in item["outputs"]] == ["webp", "png"]
    assert storage.results.stat(upload.thumbnail_key).size


def lines_of(event: dict[str, Any]) -> list[tuple[str, int]]:
    """Return the lines that a worker executes, each once."""
    seen: dict[tuple[str, int], None] = {}

    def trace(frame: FrameType, what: str, arg: Any) -> Any:
        if frame.f_code.co_filename not in FILES:
            return None
        if what == "line":
            seen[frame.f_code.co_filename, frame.f_lineno] = None
        return trace

    with_trace(trace, event)
    return list(seen)


FILES = {inspect.getfile(module) for module in (s3, uploads, run)}


def with_trace(trace: Any, event: dict[str, Any]) -> None:
    before = sys.gettrace()
    sys.settrace(trace)
    try:
        s3.on_upload(event, None)
    finally:
        sys.settrace(before)


@pytest.mark.slow
@pytest.mark.django_db
def test_a_worker_may_be_killed_at_any_line(
    uploaded: Callable[[], dict[str, Any]], worker: RecordingDispatch
) -> None:
    lines = lines_of(uploaded())
    assert len(lines) > 60
    for place in lines:

        def trace(frame: FrameType, what: str, arg: Any, place: tuple[str, int] = place) -> Any:
            if frame.f_code.co_filename not in FILES:
                return None
            if what == "line" and (frame.f_code.co_filename, frame.f_lineno) == place:
                raise Killed(place)
            return trace

        event = uploaded()
        with pytest.raises(Killed):
            with_trace(trace, event)
        check(event, worker)


# --- Failing calls ------------------------------------------------------------------------------------------


class Outside:
    """Counts a worker's calls to database, stores and table, and lets all fail from a given one on."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.calls, self.answers, self.fault = 0, 10**6, ""
        store = type(metadata.store())
        for owner, names in ((FolderStorage, ("read", "put")), (store, ("put", "update"))):
            for name in names:
                monkeypatch.setattr(owner, name, self._guarded(getattr(owner, name), owner.__name__))

    def _guarded(self, act: Callable[..., Any], kind: str) -> Callable[..., Any]:
        def guarded(*args: Any, **named: Any) -> Any:
            self._count(kind, StorageFault)
            return act(*args, **named)

        return guarded

    def execute(self, execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if not sql.startswith(("SAVEPOINT", "RELEASE", "ROLLBACK")):
            self._count("database", OperationalError)
        return execute(sql, params, many, context)

    def _count(self, kind: str, error: type[Exception]) -> None:
        self.calls += 1
        if self.calls > self.answers and self.fault in ("", kind):
            self.fault = kind  # only this kind keeps failing
            raise error("it does not answer")


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_interruptions_are_temporary(
    uploaded: Callable[[], dict[str, Any]], worker: RecordingDispatch, monkeypatch: pytest.MonkeyPatch
) -> None:
    outside = Outside(monkeypatch)
    event = uploaded()
    with connection.execute_wrapper(outside.execute):
        outside.calls = 0
        s3.on_upload(event, None)
    calls = outside.calls
    assert calls > 12
    for answers in range(calls):
        event = uploaded()
        with connection.execute_wrapper(outside.execute):
            outside.calls, outside.answers, outside.fault = 0, answers, ""
            for _ in range(3):  # Lambda retries twice, soon; the fault is not over yet
                with pytest.raises(RuntimeError):
                    s3.on_upload(event, None)
            outside.answers = 10**6
        check(event, worker)
