"""The steps of the clients, without input and output, so that both clients share them.

A flow is a generator: it yields requests and pauses, and is sent their outcomes.
"""

from __future__ import annotations

import os
import random
import uuid
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

import httpx

from imagesite_client.errors import ApiError
from imagesite_client.models import Job, Progress, Recipe, Result, Source

ATTEMPTS = 6
LONGEST_PAUSE = 30.0
PASSING = (429, 502, 503, 504)
WAIT = 20  # seconds; the API's maximum


@dataclass(frozen=True)
class Request:
    """One attempt to send a request; `upload` is sent as the file of a form."""

    method: str
    url: str
    params: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    json: Any = None
    form: Mapping[str, str] = field(default_factory=dict)
    upload: Upload | None = None
    with_token: bool = True


@dataclass(frozen=True)
class Upload:
    name: str
    data: bytes
    notify: Callable[[Progress], None] | None = None


@dataclass(frozen=True)
class Pause:
    seconds: float


Step = Request | Pause
T = TypeVar("T")
# A flow is sent the response to each request or the network error; None after a pause.
Flow = Generator[Step, Any, T]
Notify = Callable[[Progress], None] | None


def send(request: Request) -> Flow[httpx.Response]:
    """Return the response. Temporary errors are retried, since all requests are idempotent.

    Raises ApiError if the request is rejected, and httpx.TransportError if the network error persists.
    """
    for attempt in range(ATTEMPTS):
        outcome = yield request
        last = attempt == ATTEMPTS - 1
        if isinstance(outcome, httpx.TransportError):
            if last:
                raise outcome
            yield Pause(_pause(attempt, None))
            continue
        response: httpx.Response = outcome
        if response.is_success:
            return response
        if response.status_code not in PASSING or last:
            raise ApiError(response.status_code, _problem(response))
        yield Pause(_pause(attempt, response.headers.get("Retry-After")))
    raise AssertionError("unreachable")


def _pause(attempt: int, retry_after: str | None) -> float:
    if retry_after and retry_after.isdigit():
        return min(float(retry_after), 10 * LONGEST_PAUSE)
    pause: float = min(LONGEST_PAUSE, 0.5 * 2**attempt)
    return pause * random.uniform(0.5, 1)  # noqa: S311


def _problem(response: httpx.Response) -> Mapping[str, Any]:
    try:
        problem = response.json()
    except ValueError:
        return {}
    return problem if isinstance(problem, dict) else {}


def call(method: str, path: str, **options: Any) -> Flow[Any]:
    """Return the JSON of the API's response; None if it has no content."""
    response = yield from send(Request(method, f"/api/v1/{path}", **options))
    return response.json() if response.content else None


def convert_all(
    sources: Sequence[Source], outputs: Sequence[Recipe], keep: bool, notify: Notify, join: str | None = None
) -> Flow[list[Result]]:
    """Convert each source with each recipe, or join all; return the results source by source, and page by page."""
    batch = yield from submit(sources, outputs, notify, join)
    try:
        jobs = [Job.of(job) for job in (yield from all_jobs(batch))]
        if any(output.get("frames") == "each" for output in outputs):
            for job in jobs:
                yield from wait(job)
            # Once an image is read, there is a job for each of its pages.
            batch = yield from call("GET", f"batches/{batch['id']}")
            jobs = [Job.of(job) for job in (yield from all_jobs(batch))]
        results = []
        for index, job in enumerate(jobs):
            done = yield from wait(job)
            done.check()
            if notify:
                notify(Progress("converting", str((done.result or {})["name"]), index + 1, len(jobs)))
            results.append((yield from download(done, notify)))
        return results
    finally:
        if not keep:
            yield from _delete(batch["id"])


def all_jobs(batch: Mapping[str, Any]) -> Flow[list[Any]]:
    """Return the jobs of a batch as the API returns them. Large batches are paged."""
    jobs, part = list(batch["jobs"]), batch
    while part.get("next"):
        part = yield from call("GET", f"batches/{batch['id']}", params={"cursor": part["next"]})
        jobs += part["jobs"]
    return jobs


def _delete(batch: str) -> Flow[None]:
    try:
        yield from send(Request("DELETE", f"/api/v1/batches/{batch}"))
    except (ApiError, httpx.TransportError):
        pass  # the server deletes it when it expires


def submit(
    sources: Sequence[Source], outputs: Sequence[Recipe], notify: Notify, join: str | None = None
) -> Flow[dict[str, Any]]:
    """Create a batch and upload its files; return the API's response to its creation."""
    files = [_file(index, source) for index, source in enumerate(sources)]
    batch: dict[str, Any] = yield from call(
        "POST",
        "batches",
        json={
            "files": [_asked(file) for file in files],
            "outputs": list(outputs),
            **({"join": join} if join else {}),
        },
        headers={"Idempotency-Key": str(uuid.uuid4())},
    )
    for file, upload in zip(files, batch["uploads"], strict=True):
        if isinstance(file, dict):
            continue  # the server fetches it
        form = upload["form"]
        sent = Upload(file.name, file.data, notify)
        yield from send(Request("POST", form["url"], form=form["fields"], upload=sent, with_token=False))
    return batch


def _asked(file: Upload | dict[str, str]) -> Mapping[str, Any]:
    if isinstance(file, dict):
        return file
    return {"name": file.name, "size": len(file.data)}


def _file(index: int, source: Source) -> Upload | dict[str, str]:
    if isinstance(source, bytes):
        return Upload(f"image-{index + 1}", source)
    if isinstance(source, str) and urlsplit(source).scheme in ("http", "https"):
        return {"url": source}
    path = Path(os.fspath(source))
    return Upload(path.name, path.read_bytes())


def wait(job: Job) -> Flow[Job]:
    """Return the job once it has ended."""
    while not job.is_done:
        response = yield from send(Request("GET", f"/api/v1/jobs/{job.id}", params={"wait": WAIT}))
        job = Job.of(response.json())
        if not job.is_done and "Retry-After" in response.headers:
            yield Pause(_pause(0, response.headers["Retry-After"]))
    return job


def download(job: Job, notify: Notify) -> Flow[Result]:
    assert job.result
    response = yield from send(Request("GET", job.result["url"]))
    if notify:
        notify(Progress("downloading", job.result["name"], len(response.content), job.result["size"]))
    return Result(
        name=job.result["name"],
        format=job.result["format"],
        width=job.result["width"],
        height=job.result["height"],
        data=response.content,
        report=job.report or {},
        job=job.id,
    )
