"""What a burst of uploads does to the deployed system: a small simulation, second by second.

    python -m infra.scale

prints the table of docs/scale.md. The model: uploads arrive evenly for one hour; Lambda keeps events that find no
free worker and offers them again, oldest first here; a worker takes one upload at a time; an attempt in a hundred
meets a passing fault and comes back after one and then two minutes; an event older than six hours is given up.
"""

from __future__ import annotations

import sys
from collections import Counter, deque
from dataclasses import dataclass

HOUR = 3600


@dataclass(frozen=True)
class Assumptions:
    seconds_per_upload: float = (
        2.5  # fetch 4 MB, decode 12 megapixels once, two outputs and a thumbnail, store
    )
    fault_rate: float = 0.01  # of attempts that meet a passing fault
    retry_after: tuple[int, ...] = (60, 120)  # seconds; after the last one the event goes to the failed queue
    oldest_event: int = 6 * HOUR
    burst_seconds: int = HOUR
    pages_concurrency: float = 0.05  # web functions busy per upload a second: submit, poll, show
    worker_gb: float = 3008 / 1024
    usd_per_gb_second: float = 0.0000166667
    usd_per_request: float = 0.0000002


@dataclass(frozen=True)
class Outcome:
    """What became of a burst. Waits are in seconds, cost in US dollars."""

    uploads: int
    workers: int
    finished: int
    failed: int
    given_up: int
    retried: int
    busiest: int
    longest_wait: int
    cleared_after: int
    connections: int
    usd: float


def simulate(uploads: int, workers: int, given: Assumptions | None = None) -> Outcome:
    """Return what becomes of so many uploads in one hour with so many workers."""
    given = given or Assumptions()
    waiting: deque[tuple[int, int, int]] = deque()  # (second of arrival, attempts made, how many)
    returning: dict[int, Counter[tuple[int, int]]] = {}
    finished = failed = given_up = retried = attempts = 0
    busiest = longest_wait = second = 0
    arrived = 0
    faults = 0.0
    budget = 0.0
    while arrived < uploads or waiting or returning:
        due = min(uploads, uploads * (second + 1) // given.burst_seconds)
        if due > arrived:
            waiting.append((second, 0, due - arrived))
            arrived = due
        for (born, tried), count in returning.pop(second, Counter()).items():
            waiting.append((born, tried, count))
        # What the workers can take up in this second; an idle second is not saved for later.
        budget = min(budget + workers / given.seconds_per_upload, max(workers / given.seconds_per_upload, 1))
        taken = 0
        while waiting and budget >= 1:
            born, tried, count = waiting.popleft()
            if second - born > given.oldest_event:
                given_up += count
                continue
            now = min(count, int(budget))
            if now < count:
                waiting.appendleft((born, tried, count - now))
            budget -= now
            taken += now
            attempts += now
            if tried == 0:
                longest_wait = max(longest_wait, second - born)
            faults += now * given.fault_rate
            faulty, faults = int(faults), faults - int(faults)
            finished += now - faulty
            if not faulty:
                continue
            if tried < len(given.retry_after):
                retried += faulty
                later = second + 1 + given.retry_after[tried]
                returning.setdefault(later, Counter())[born, tried + 1] += faulty
            else:
                failed += faulty
        busiest = max(busiest, min(workers, round(taken * given.seconds_per_upload)))
        second += 1
    cost = attempts * (
        given.seconds_per_upload * given.worker_gb * given.usd_per_gb_second + given.usd_per_request
    )
    pages = round(uploads / given.burst_seconds * given.pages_concurrency) + 1
    return Outcome(
        uploads=uploads,
        workers=workers,
        finished=finished,
        failed=failed,
        given_up=given_up,
        retried=retried,
        busiest=busiest,
        longest_wait=longest_wait,
        cleared_after=max(0, second - given.burst_seconds),
        connections=busiest + pages,
        usd=cost,
    )


CASES = [
    (1_000, 20),
    (100_000, 20),
    (100_000, 50),
    (100_000, 80),
    (1_000_000, 80),
    (1_000_000, 300),
    (1_000_000, 800),
]


def duration(seconds: int) -> str:
    if seconds < 60:
        return f"{seconds} s"
    if seconds < HOUR:
        return f"{round(seconds / 60)} min"
    return f"{seconds / HOUR:.1f} h"


def table() -> str:
    """Return the table of docs/scale.md."""
    lines = [
        "| uploads per hour | workers | most busy | longest wait | queue empty after | finished | tried again | in the failed queue | connections | worker cost, USD |",
        "| ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for uploads, workers in CASES:
        out = simulate(uploads, workers)
        cells = [
            f"{out.uploads:,}",
            str(out.workers),
            str(out.busiest),
            duration(out.longest_wait),
            duration(out.cleared_after),
            f"{out.finished:,}",
            f"{out.retried:,}",
            f"{out.failed + out.given_up:,}",
            str(out.connections),
            f"{out.usd:,.2f}",
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.stdout.write(f"{table()}\n")
