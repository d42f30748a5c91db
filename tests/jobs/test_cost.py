"""The cost of events and sweeps does not grow with history."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection

from converter import jobs, storage
from converter.jobs import run, sweep
from converter.models import Job
from converter.storage import StorageFault
from converter.storage.folder import FolderStorage
from tests.fakes import RecordingDispatch
from tests.jobs.conftest import PNG, WEBP, Send, statuses, submit, the_job

pytestmark = [
    pytest.mark.django_db(transaction=False),
    pytest.mark.postgres,
    pytest.mark.usefixtures("commit_at_once"),
]


def scans(act: Callable[[], object]) -> list[str]:
    """Return the queries of `act` that scan a whole table, according to the database's query plans."""
    is_sqlite = connection.vendor == "sqlite"
    explain = "EXPLAIN QUERY PLAN " if is_sqlite else "EXPLAIN "
    scan = re.compile(r"(SCAN|Seq Scan on) converter_(job|upload|batch)\b")
    found: list[str] = []

    def look(execute: Any, sql: str, params: Any, many: bool, context: dict[str, Any]) -> Any:
        if sql.startswith(("SELECT", "UPDATE", "DELETE")):
            execute(explain + sql, params, many, context)
            found.extend(sql for row in context["cursor"].fetchall() if scan.search(str(row)))
        return execute(sql, params, many, context)

    if not is_sqlite:
        with connection.cursor() as cursor:
            cursor.execute(
                "SET LOCAL enable_seqscan = off"
            )  # small tables are scanned even if they are indexed
    with connection.execute_wrapper(look):
        act()
    return found


def test_a_query_without_an_index_is_detected() -> None:
    assert scans(lambda: list(Job.objects.filter(milliseconds=5).order_by()))


def test_events_cost_the_same_as_history_grows(
    alice: Any, send: Send, worker: RecordingDispatch, photo: bytes
) -> None:
    batch = submit(alice, "a.jpg", "b.txt", outputs=(WEBP, PNG))
    send(batch, photo, b"no image")
    assert worker.asked
    assert scans(worker.work) == []
    assert sorted(statuses(batch)) == ["failed", "failed", "finished", "finished"]


def test_interrupted_events_cost_the_same_as_history_grows(
    alice: Any, send: Send, photo: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch = submit(alice, "a.jpg")
    send(batch, photo)

    def broken(*args: object) -> None:
        raise StorageFault("gone")

    upload = the_job(batch).upload
    jobs.receive(upload.key, storage.uploads.stat(upload.key))
    monkeypatch.setattr(FolderStorage, "read", broken)

    def broken_off() -> None:
        with pytest.raises(StorageFault):
            run.run(upload.pk)

    assert scans(broken_off) == []
    assert statuses(batch) == ["queued"]


def test_the_sweep_costs_the_same_as_history_grows(alice: Any, send: Send, photo: bytes) -> None:
    send(submit(alice, "a.jpg"), photo)
    submit(alice, "never-came.jpg")
    assert scans(sweep.sweep) == []
