"""Waiting for a job inside a request, so that a program need not ask again and again."""

from __future__ import annotations

import time
from threading import BoundedSemaphore

from converter.models import Job

LONGEST = 20  # seconds
AT_ONCE = 8  # of the threads that serve everybody

_places = BoundedSemaphore(AT_ONCE)


def until_done(job: Job, seconds: float) -> bool:
    """Return when the job has come to an end, or after so many seconds; at once, with False, where too many wait."""
    if not job.is_unfinished:
        return True
    if not _places.acquire(blocking=False):
        return False
    try:
        deadline = time.monotonic() + seconds
        pause = 0.1
        while (left := deadline - time.monotonic()) > 0:
            time.sleep(min(pause, left))
            pause = min(pause * 1.5, 1)
            if not Job.objects.unfinished().filter(pk=job.pk).exists():
                break
        return True
    finally:
        _places.release()
