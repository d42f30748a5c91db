"""What a child gives away before it touches a hostile file."""

from __future__ import annotations

import resource
import signal
import sys

from converter import engine

GRACE = 5  # seconds that the worker waits beyond the child's own alarm
_OPEN_FILES = 32


def confine(limits: engine.Limits, steps: int) -> None:
    """Give away, for good, what decoding an image does not need."""
    seconds = int(limits.seconds)
    signal.signal(signal.SIGALRM, signal.SIG_DFL)  # ends the process even inside a C loop
    signal.alarm(seconds)
    ceilings = {
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_CPU: (seconds + GRACE) * (steps + 1),
        resource.RLIMIT_FSIZE: 0,
        resource.RLIMIT_NOFILE: _OPEN_FILES,
    }
    if sys.platform != "darwin":  # macOS has the limit by name only and refuses to set it
        ceilings[resource.RLIMIT_AS] = limits.memory_bytes
    for name, value in ceilings.items():
        resource.setrlimit(name, (value, value))
