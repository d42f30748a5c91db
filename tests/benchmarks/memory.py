"""Compare the memory of the server and its workers after 5,000 conversions with that after 500."""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import psutil

from tests.benchmarks.load import MAKE_TOKENS, Program
from tests.benchmarks.overhead import photo
from tests.server import Server

FIRST, LAST = 500, 5_000
CLIENTS = 4
MOST_GROWTH = 0.1
RECIPES = ['{"format": "webp"}', '{"format": "jpeg", "resize": {"width": 60}}', '{"format": "png"}']


def used(pid: int) -> int:
    """Return the unshared bytes of a process and its children."""
    family = [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]
    return sum(int(process.memory_full_info().uss) for process in family)


def convert(programs: Iterable[Program], count: int, content: bytes) -> None:
    def one(program: Program, recipe: str) -> int:
        files: Any = {"file": ("photo.jpg", content), "recipe": (None, recipe)}
        return int(program.ask("POST", "/api/v1/convert", files=files).status_code)

    with ThreadPoolExecutor(CLIENTS) as pool:
        answers = set(pool.map(one, islice(cycle(programs), count), islice(cycle(RECIPES), count)))
    if not answers <= {200, 202}:
        sys.exit(f"Some conversions failed: {answers}")


def main() -> None:
    content = photo(1, (160, 120))
    with tempfile.TemporaryDirectory() as folder, Server(Path(folder)) as server:
        server.environment |= {"API_REQUESTS_A_MINUTE": "0", "JOBS_A_DAY": "0"}
        tokens = server.prepare(MAKE_TOKENS).split()
        server.start()
        assert server.process
        programs = [Program(server.url, token) for token in tokens[:CLIENTS]]
        sizes, done = [], 0
        for until in (FIRST, LAST):
            convert(programs, until - done, content)
            done = until
            time.sleep(5)  # wait for the last children to be cleaned up
            sizes.append(used(server.process.pid))
            print(f"After {until} conversions: {sizes[-1] / 1e6:.0f} MB", flush=True)
    growth = sizes[1] / sizes[0] - 1
    print(f"Growth: {growth:.1%}")
    if growth > MOST_GROWTH:
        sys.exit(f"It should be at most {MOST_GROWTH:.0%}.")


if __name__ == "__main__":
    main()
