"""Measure how long one small picture waits while another user has thousands of images in the queue."""

from __future__ import annotations

import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from tests.benchmarks.load import Program
from tests.benchmarks.overhead import photo
from tests.server import Server

IMAGES = 2_000
IN_A_BATCH = 200
MOST_SECONDS = 2.0

MAKE_TOKENS = """
from imagesite.accounts.models import ApiToken, User
for name in ("much", "little"):
    owner = User.objects.create_user(f"{name}@example.org")
    print(ApiToken.issue(owner, "fairness")[1])
"""


def fill(program: Program, count: int, content: bytes) -> list[str]:
    """Send `count` images in batches of 200; return the IDs of the batches, all still unfinished."""
    batches = []
    for first in range(0, count, IN_A_BATCH):
        files = [{"name": "a.jpg", "size": len(content)}] * min(IN_A_BATCH, count - first)
        outputs = [{"format": "avif"}, {"format": "webp"}]
        body = {"files": files, "outputs": outputs}
        made = program.ask("POST", "/api/v1/batches", json=body).json()
        batches.append(made["id"])

        def send(upload: Any) -> None:
            form = upload["form"]
            program.ask("POST", form["url"], data=form["fields"], files={"file": ("a.jpg", content)})

        with ThreadPoolExecutor(8) as pool:
            list(pool.map(send, made["uploads"]))
    return batches


def measure(url: str, tokens: list[str], count: int, content: bytes) -> tuple[float, int]:
    """Return the seconds for one small picture, and how many jobs of the other user were waiting then."""
    much, little = (Program(url, token) for token in tokens)
    batches = fill(much, count, content)
    start = time.perf_counter()
    status = little.convert(photo(2, (200, 150)))
    seconds = time.perf_counter() - start
    assert status == "finished"
    found = [much.ask("GET", f"/api/v1/batches/{batch}").json() for batch in batches]
    return seconds, sum(batch["total"] - batch["done"] for batch in found)


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, Server(Path(folder)) as server:
        tokens = server.prepare(MAKE_TOKENS).split()
        server.start()
        seconds, waiting = measure(server.url, tokens, IMAGES, photo(1, (1200, 900)))
    print(f"One small image took {seconds:.2f} s while another user had {waiting} jobs in the queue")
    if seconds > MOST_SECONDS or not waiting:
        sys.exit(f"It should take at most {MOST_SECONDS} s.")


if __name__ == "__main__":
    main()
