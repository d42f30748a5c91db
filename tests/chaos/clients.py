"""Programs that use the server continuously and record what it accepted."""

from __future__ import annotations

import io
import random
import threading
import time
import uuid
import zipfile
from collections import Counter
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urljoin

import requests
from PIL import Image

from tests.chaos.world import World

NAMES = ["photo.jpg", "photo.jpg", "CON.png", "v1.2 final", "😀", "漢" * 85, "100%25.jpg"]


def picture(width: int, height: int, format: str) -> bytes:
    file = io.BytesIO()
    Image.linear_gradient("L").resize((width, height)).save(file, format)
    return file.getvalue()


GOOD = [picture(160, 120, "JPEG"), picture(320, 200, "JPEG"), picture(90, 90, "PNG")]
BROKEN = b"this is no image"
PASSING = {409, 425, 429, 500, 502, 503, 504, 507}
PATIENCE = 300.0
"""Seconds within which there must be a response, whatever happens to the server."""


class GaveUp(Exception):
    """The deadline came while a program was still waiting."""


@dataclass
class Promise:
    """One batch that the server accepted: what was sent for each upload, and what the program did with it."""

    id: str
    jobs: int
    sent: dict[str, bytes] = field(default_factory=dict)
    cancelled: bool = False
    deleted: bool = False


class Program:
    """A user's program. `work` runs until `stopped`; accepted batches are in `promises`."""

    def __init__(self, world: World, token: str, seed: int, stopped: threading.Event) -> None:
        self._world, self._stopped = world, stopped
        self._random = random.Random(seed)
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.headers["Authorization"] = f"Bearer {token}"
        self.promises: list[Promise] = []
        self.answers: Counter[int] = Counter()
        self.faults: list[str] = []
        self.deadline = float("inf")

    def work(self) -> None:
        while not self._stopped.is_set():
            try:
                self._one_batch()
            except GaveUp:
                return
            except Exception as exc:  # a program that ends would hide later faults
                self.faults.append(repr(exc))

    def ask(self, method: str, path: str, **options: Any) -> requests.Response:
        """Repeat a request until the response is not a temporary error; the server may be down."""
        patience = time.monotonic() + PATIENCE
        while time.monotonic() < min(self.deadline, patience):
            try:
                answer = self._session.request(
                    method, urljoin(self._world.url, path), timeout=60, allow_redirects=False, **options
                )
            except requests.RequestException:
                time.sleep(0.2)
                continue
            self.answers[answer.status_code] += 1
            if answer.status_code == 500:
                self.faults.append(f"{method} {path}: {answer.text[:300]}")
            if answer.status_code not in PASSING:
                return answer
            time.sleep(min(float(answer.headers.get("Retry-After", 0.3)), 2))
        if time.monotonic() < self.deadline:
            raise AssertionError(f"{method} {path}: no answer in {PATIENCE:.0f} s")
        raise GaveUp

    def json(self, method: str, path: str, status: int, **options: Any) -> Any:
        answer = self.ask(method, f"/api/v1/{path}", **options)
        if answer.status_code != status:
            raise AssertionError(f"{method} {path}: {answer.status_code} {answer.text[:300]}")
        return answer.json() if answer.content else None

    def batch(self, promise: Promise) -> Any:
        return self.json("GET", f"batches/{promise.id}", 200)

    def _one_batch(self) -> None:
        files = [
            (self._random.choice(NAMES), BROKEN if self._random.random() < 0.1 else self._random.choice(GOOD))
            for _ in range(self._random.randint(1, 6))
        ]
        body = {
            "files": [{"name": name, "size": len(content)} for name, content in files],
            "outputs": [{"format": "webp"}, {"format": "jpeg", "resize": {"width": 40}}],
        }
        headers = {"Idempotency-Key": str(uuid.uuid4())}
        made = self.json("POST", "batches", 201, json=body, headers=headers)
        promise = Promise(made["id"], len(made["jobs"]))
        self.promises.append(promise)
        for upload, (_name, content) in zip(made["uploads"], files, strict=True):
            if self._random.random() < 0.95:
                self._send(upload, content)
                promise.sent[upload["id"]] = content
        act = self._random.random()
        if act < 0.1:
            promise.cancelled = True
            self.ask("POST", f"/api/v1/batches/{promise.id}/cancel")
        elif act < 0.2:
            promise.deleted = True
            self.ask("DELETE", f"/api/v1/batches/{promise.id}")
        elif act < 0.5 and len(promise.sent) == len(files):
            self._wait(promise)
            self._unpack(promise)

    def _send(self, upload: Any, content: bytes) -> None:
        form = upload["form"]
        while True:
            answer = self.ask("POST", form["url"], data=form["fields"], files={"file": ("x", content)})
            if answer.status_code == 201:
                return
            if answer.status_code != 403:
                raise AssertionError(f"A file was refused: {answer.status_code} {answer.text[:300]}")
            renewed = self.ask("POST", f"/api/v1/uploads/{upload['id']}/form")  # the clock was changed
            if renewed.status_code == 409:
                return  # it had arrived, only the response was lost
            form = renewed.json()

    def _wait(self, promise: Promise) -> None:
        while True:
            batch = self.batch(promise)
            if batch["done"] == batch["total"]:
                return
            if self._stopped.is_set():
                raise GaveUp
            time.sleep(0.5)

    def _unpack(self, promise: Promise) -> None:
        """Download the ZIP completely, or not at all."""
        while not self._stopped.is_set():
            answer = self.ask("GET", f"/api/v1/batches/{promise.id}/zip")
            if answer.status_code == 409:
                return  # nothing has finished
            if answer.status_code == 302:
                file = self.ask("GET", answer.headers["Location"])
                if file.status_code == 410:
                    continue  # the link has expired through a clock change
                with zipfile.ZipFile(io.BytesIO(file.content)) as archive:
                    assert archive.testzip() is None
                    assert "manifest.csv" in archive.namelist()
                return
            time.sleep(1)


def is_whole(content: bytes) -> bool:
    """Return whether a result can be decoded completely."""
    try:
        with Image.open(io.BytesIO(content)) as image:
            image.load()
        return True
    except (OSError, SyntaxError):
        return False
