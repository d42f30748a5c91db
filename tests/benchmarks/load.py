"""Send a thousand batches from fifty concurrent clients to the server as started by `make run`.

Every job must finish exactly once, and no response may be a server error.
"""

from __future__ import annotations

import sqlite3
import statistics
import sys
import tempfile
import time
import uuid
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import requests

from tests.benchmarks.overhead import photo
from tests.server import Server

BATCHES, CLIENTS = 1_000, 50
MOST_SECONDS = 10.0
RECIPE = {"format": "webp", "resize": {"width": 200}}


class Program:
    """A client with a token and, like a browser, a few persistent connections."""

    def __init__(self, url: str, token: str) -> None:
        self.url = url
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.headers["Authorization"] = f"Bearer {token}"
        self.answers: Counter[int] = Counter()
        self.seconds: list[float] = []
        """Response times, without requested delays such as Retry-After."""

    def ask(self, method: str, path: str, **options: Any) -> Any:
        while True:
            start = time.perf_counter()
            response = self.session.request(method, self.url + path, timeout=120, **options)
            if "wait=" not in path:
                self.seconds.append(time.perf_counter() - start)
            self.answers[response.status_code] += 1
            if response.status_code not in (409, 429, 503):
                return response
            time.sleep(int(response.headers["Retry-After"]))

    def convert(self, content: bytes) -> str:
        body = {"files": [{"name": "photo.jpg", "size": len(content)}], "outputs": [RECIPE]}
        headers = {"Idempotency-Key": str(uuid.uuid4())}
        batch = self.ask("POST", "/api/v1/batches", json=body, headers=headers).json()
        form = batch["uploads"][0]["form"]
        self.ask("POST", form["url"], data=form["fields"], files={"file": ("photo.jpg", content)})
        while True:
            answer = self.ask("GET", f"/api/v1/jobs/{batch['jobs'][0]['id']}?wait=10")
            if answer.json()["finished_at"]:
                return str(answer.json()["status"])
            time.sleep(int(answer.headers.get("Retry-After", 0)))


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, Server(Path(folder)) as server:
        server.prepare()
        tokens = server.python(MAKE_TOKENS).split()
        server.start()
        load(server.url, tokens, server.data)


MAKE_TOKENS = f"""
from imagesite.accounts.models import ApiToken, User
owner = User.objects.create_user("load@example.org")
print(*(ApiToken.issue(owner, "load")[1] for _ in range({CLIENTS})))
"""


def load(url: str, tokens: list[str], data: Path) -> None:
    programs = [Program(url, token) for token in tokens]
    content = photo(1, (800, 600))
    start = time.perf_counter()
    with ThreadPoolExecutor(CLIENTS) as pool:
        ends = Counter(pool.map(lambda n: programs[n % CLIENTS].convert(content), range(BATCHES)))
    seconds = time.perf_counter() - start
    answers = sum((program.answers for program in programs), Counter[int]())
    slowest = statistics.quantiles([took for program in programs for took in program.seconds], n=100)[-1]
    with sqlite3.connect(data / "db.sqlite3") as database:
        attempts = Counter(n for (n,) in database.execute("SELECT attempts FROM converter_job"))
    print(f"{BATCHES} batches from {CLIENTS} clients in {seconds:.0f} s, {BATCHES / seconds:.0f} per second")
    print(f"outcomes {dict(ends)}, attempts {dict(attempts)}, responses {dict(sorted(answers.items()))}")
    print(f"99 % of the responses took at most {slowest:.2f} s")
    if slowest > MOST_SECONDS:
        sys.exit(f"99 % of the responses should take at most {MOST_SECONDS} s.")
    if ends != {"finished": BATCHES} or attempts != {1: BATCHES} or max(answers) >= 500:
        sys.exit("Some jobs did not finish exactly once, or a response was a server error.")


if __name__ == "__main__":
    main()
