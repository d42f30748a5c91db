"""Wait for a job during a request, so that clients need not poll."""

from __future__ import annotations

import math
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from threading import Lock
from typing import Any

from converter.models import Job

LONGEST = 20  # seconds
AT_ONCE = 8  # server threads that may wait at the same time
OF_ONE = 4  # of these, for one user, so that other users can wait too
SPARE = 4  # seconds that an API gateway counts too: a cold start before, the response after

_lock = Lock()
_waiting: Counter[uuid.UUID] = Counter()
_end: ContextVar[float] = ContextVar("end", default=math.inf)


def note_end(context: Any) -> None:
    """Note when a request on Lambda must be answered; waking a paused database may take most of its time."""
    left = context.get_remaining_time_in_millis() / 1000 - SPARE if context else math.inf
    _end.set(time.monotonic() + left)


def until_done(job: Job, seconds: float) -> bool:
    """Wait until the job has ended or the time is up. Return False at once if too many are waiting."""
    if not job.is_unfinished:
        return True
    with _place(job.owner_id) as has_place:
        if not has_place:
            return False
        deadline = min(time.monotonic() + seconds, _end.get())
        pause = 0.1
        while (left := deadline - time.monotonic()) > 0:
            time.sleep(min(pause, left))
            pause = min(pause * 1.5, 1)
            if not Job.objects.unfinished().filter(pk=job.pk).exists():
                break
        return True


@contextmanager
def _place(owner_id: uuid.UUID) -> Iterator[bool]:
    with _lock:
        is_free = _waiting.total() < AT_ONCE and _waiting[owner_id] < OF_ONE
        if is_free:
            _waiting[owner_id] += 1
    try:
        yield is_free
    finally:
        if is_free:
            with _lock:
                _waiting[owner_id] -= 1
                if not _waiting[owner_id]:
                    del _waiting[owner_id]
