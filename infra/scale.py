"""A small simulation, second by second, of how the deployed system handles a burst of uploads.

    python -m infra.scale

prints the table of docs/scale.md. The model: uploads arrive evenly for one hour; Lambda keeps events that
find no free worker and retries them, here oldest first; a worker processes one upload at a time; one attempt
in a hundred fails with a transient error and is retried after one and then two minutes; events older than six
hours are dropped.
"""

from __future__ import annotations

import sys
from collections import Counter, deque
from dataclasses import dataclass

HOUR = 3600


@dataclass(frozen=True)
class Assumptions:
    seconds_per_upload: float = (
        2.5  # fetch 4 MB, decode 12 megapixels once, encode two outputs and a thumbnail, store
    )
    fault_rate: float = 0.01  # share of attempts with a transient error
    retry_after: tuple[int, ...] = (60, 120)  # seconds; after the last one the event goes to the failed queue
    oldest_event: int = 6 * HOUR
    burst_seconds: int = HOUR
    pages_concurrency: float = 0.05  # busy web functions per upload per second: submit, poll, show
    worker_gb: float = 3008 / 1024
    usd_per_gb_second: float = 0.0000166667
    usd_per_request: float = 0.0000002


@dataclass(frozen=True)
class Outcome:
    """The outcome of a burst. Waits are in seconds, cost in US dollars."""

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


class _Burst:
    """The queue and its workers, simulated second by second."""

    def __init__(self, uploads: int, workers: int, given: Assumptions) -> None:
        self.uploads = uploads
        self.workers = workers
        self.given = given
        self.second = self.arrived = self.attempts = 0
        self.finished = self.failed = self.given_up = self.retried = 0
        self.busiest = self.longest_wait = 0
        self._waiting: deque[tuple[int, int, int]] = deque()  # (second of arrival, attempts made, count)
        self._returning: dict[int, Counter[tuple[int, int]]] = {}  # by the second of their retry
        self._faults = 0.0
        self._budget = 0.0

    @property
    def is_over(self) -> bool:
        return self.arrived >= self.uploads and not self._waiting and not self._returning

    def step(self) -> None:
        """Simulate one second."""
        self._arrive()
        # How many uploads the workers can start in this second; idle time is not carried over.
        rate = self.workers / self.given.seconds_per_upload
        self._budget = min(self._budget + rate, max(rate, 1))
        taken = 0
        while self._waiting and self._budget >= 1:
            taken += self._take()
        busy = min(self.workers, round(taken * self.given.seconds_per_upload))
        self.busiest = max(self.busiest, busy)
        self.second += 1

    def _arrive(self) -> None:
        due = min(self.uploads, self.uploads * (self.second + 1) // self.given.burst_seconds)
        if due > self.arrived:
            self._waiting.append((self.second, 0, due - self.arrived))
            self.arrived = due
        for (born, tried), count in self._returning.pop(self.second, Counter()).items():
            self._waiting.append((born, tried, count))

    def _take(self) -> int:
        """Process the oldest uploads; return how many."""
        born, tried, count = self._waiting.popleft()
        if self.second - born > self.given.oldest_event:
            self.given_up += count
            return 0
        now = min(count, int(self._budget))
        if now < count:
            self._waiting.appendleft((born, tried, count - now))
        self._budget -= now
        self.attempts += now
        if tried == 0:
            self.longest_wait = max(self.longest_wait, self.second - born)
        self._end(born, tried, now)
        return now

    def _end(self, born: int, tried: int, count: int) -> None:
        self._faults += count * self.given.fault_rate
        faulty, self._faults = int(self._faults), self._faults - int(self._faults)
        self.finished += count - faulty
        if not faulty:
            return
        if tried < len(self.given.retry_after):
            self.retried += faulty
            later = self.second + 1 + self.given.retry_after[tried]
            self._returning.setdefault(later, Counter())[born, tried + 1] += faulty
        else:
            self.failed += faulty


def simulate(uploads: int, workers: int, given: Assumptions | None = None) -> Outcome:
    """Simulate this many uploads within one hour."""
    given = given or Assumptions()
    burst = _Burst(uploads, workers, given)
    while not burst.is_over:
        burst.step()
    pages = round(uploads / given.burst_seconds * given.pages_concurrency) + 1
    cost = given.seconds_per_upload * given.worker_gb * given.usd_per_gb_second + given.usd_per_request
    return Outcome(
        uploads=uploads,
        workers=workers,
        finished=burst.finished,
        failed=burst.failed,
        given_up=burst.given_up,
        retried=burst.retried,
        busiest=burst.busiest,
        longest_wait=burst.longest_wait,
        cleared_after=max(0, burst.second - given.burst_seconds),
        connections=burst.busiest + pages,
        usd=burst.attempts * cost,
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
