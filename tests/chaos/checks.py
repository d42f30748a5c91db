"""What must be true after a run."""

from __future__ import annotations

import json
import sqlite3
import time
import uuid
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from tests.chaos.clients import BROKEN, Program, Promise, is_whole
from tests.receiver import Receiver

UNFINISHED = {"awaiting_upload", "queued", "processing"}
SAMPLE = 200  # results to be opened
TOLD_WITHIN = 60.0  # seconds


def wait_for_the_end(programs: Sequence[Program], seconds: float) -> list[str]:
    """Wait until nothing is in progress; return what still is."""
    end = time.monotonic() + seconds
    open_promises = [(program, promise) for program in programs for promise in program.promises]
    while open_promises and time.monotonic() < end:
        open_promises = [pair for pair in open_promises if not _is_over(*pair)]
        time.sleep(0.5)
    return [f"Still in work: batch {promise.id}" for _, promise in open_promises]


def _is_over(program: Program, promise: Promise) -> bool:
    if promise.deleted:
        return True
    jobs = program.batch(promise)["jobs"]
    return not any(job["status"] in UNFINISHED for job in jobs if job["upload"] in promise.sent)


def broken_promises(programs: Sequence[Program]) -> Iterator[str]:
    """Yield broken promises: of each batch, each job and a sample of results."""
    opened = 0
    for program in programs:
        for promise in program.promises:
            if promise.deleted:
                continue
            batch = program.batch(promise)
            if len(batch["jobs"]) != promise.jobs:
                yield f"Batch {promise.id} has {len(batch['jobs'])} of {promise.jobs} jobs"
            for job in batch["jobs"]:
                content = promise.sent.get(job["upload"])
                if content is None or promise.cancelled:
                    continue
                code = (job["error"] or {}).get("code")
                expected = ("failed", "not_an_image") if content == BROKEN else ("finished", None)
                if (job["status"], code) != expected:
                    yield f"Job {job['id']} is {job['status']} {code}, not {expected}"
                elif job["result"] and opened < SAMPLE:
                    opened += 1
                    link = program.ask("GET", job["result"]["url"]).headers["Location"]
                    file = program.ask("GET", link)
                    if len(file.content) != job["result"]["size"] or not is_whole(file.content):
                        yield f"Result of {job['id']} is not whole"


def untold(programs: Sequence[Program], listener: Receiver) -> list[str]:
    """Wait until the end of every batch was sent to its webhook; return which were not, or with two ids."""
    ended = {
        promise.id
        for program in programs
        for promise in program.promises
        if not promise.deleted and (batch := program.batch(promise))["done"] == batch["total"]
    }
    end = time.monotonic() + TOLD_WITHIN
    while time.monotonic() < end:
        bodies = {asked.body: asked.headers["webhook-id"] for asked in listener.asked}
        if ended <= (told := {json.loads(body)["data"]["id"] for body in bodies}):
            break
        time.sleep(1)
    wrong = [f"Nobody was told of the end of batch {pk}" for pk in ended - told]
    for asked in listener.asked:
        if asked.headers["webhook-id"] != bodies.get(asked.body, asked.headers["webhook-id"]):
            wrong.append(f"One message had two ids: {asked.body!r}")
    return wrong


def doubles_and_orphans(data: Path, programs: Sequence[Program]) -> Iterator[str]:
    """Yield duplicates and orphans in database and folder."""
    with sqlite3.connect(data / "db.sqlite3") as database:

        def rows(query: str) -> list[tuple[Any, ...]]:
            return database.execute(query).fetchall()

        if (result := rows("PRAGMA integrity_check")) != [("ok",)]:
            yield f"The database is damaged: {result}"
        known = {uuid.UUID(p.id).hex for program in programs for p in program.promises if not p.deleted}
        there = {pk for (pk,) in rows("SELECT id FROM converter_batch")}
        yield from _differences("batch", known, there)
        used = rows("SELECT sum(jobs) FROM converter_usage")[0][0] or 0
        asked = sum(promise.jobs for program in programs for promise in program.promises)
        if used != asked:
            yield f"{asked} jobs were asked for, and {used} counted"
        told = Counter(rows("SELECT webhook_id, event, subject FROM converter_delivery"))
        yield from (f"Told twice: {subject}" for subject, count in told.items() if count > 1)
        uploads = {pk for (pk,) in rows("SELECT id FROM converter_upload")}
    yield from _orphans(data, uploads, there)


def _differences(what: str, known: set[str], there: set[str]) -> Iterable[str]:
    yield from (f"Lost: {what} {pk}" for pk in known - there)
    yield from (f"Nobody asked for {what} {pk}" for pk in there - known)


def _orphans(data: Path, uploads: set[str], batches: set[str]) -> Iterator[str]:
    for path in [*data.glob("uploads/**/*"), *data.glob("results/**/*")]:
        if not path.is_file():
            continue
        parts = path.relative_to(data).parts
        if parts[1].startswith("."):
            yield f"Left over: {path.relative_to(data)}"
            continue
        owned = batches if parts[2] == "batches" else uploads
        pk = parts[3] if parts[2] == "batches" else parts[2]
        if uuid.UUID(pk).hex not in owned:
            yield f"Left over: {path.relative_to(data)}"
