"""Watch folders for new files, each as soon as it is complete."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from pathlib import Path

from converter.management.converting import Task
from converter.management.planning import Plan

PAUSE = 1.0  # seconds between scans
State = tuple[int, int, int]


def arrivals(plan: Plan) -> Iterator[list[Task]]:
    """Yield, about once a second and forever, the files completed or changed since they were last yielded.

    A file is complete if it has not changed between two scans and no process is writing to it.
    """
    seen: dict[Path, State] = {}
    given: dict[Path, State] = {}
    while True:
        tasks, _left = plan.tasks()
        now = {task.source: state for task in tasks if (state := _state(task.source))}
        ready = [
            task
            for task in tasks
            if (state := now.get(task.source))
            and given.get(task.source) != state
            and seen.get(task.source) == state
            and not is_written(task.source)
        ]
        given.update({task.source: now[task.source] for task in ready})
        seen = now
        yield ready
        time.sleep(PAUSE)


def _state(path: Path) -> State | None:
    """Return a value that changes with the file, or None if the file is missing or empty."""
    try:
        facts = path.stat()
    except OSError:
        return None
    return (facts.st_ino, facts.st_size, facts.st_mtime_ns) if facts.st_size else None


def is_written(path: Path) -> bool:
    """Return whether a process on this machine has the file open for writing.

    If one has, Linux refuses a read lease. Where leases are not possible, as on most network drives and for
    files of other users, return False.
    """
    if not hasattr(fcntl, "F_SETLEASE"):
        return False
    try:
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False  # the conversion will report the error
    try:
        fcntl.fcntl(handle, fcntl.F_SETLEASE, fcntl.F_RDLCK)
        fcntl.fcntl(handle, fcntl.F_SETLEASE, fcntl.F_UNLCK)
    except BlockingIOError:
        return True
    except OSError:
        return False
    finally:
        os.close(handle)
    return False
