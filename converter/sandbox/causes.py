"""Why a child was stopped, in words."""

from __future__ import annotations

from converter import engine
from converter.engine import errors


def timed_out(limits: engine.Limits) -> errors.TimedOut:
    return errors.TimedOut(
        f"This conversion took more than {limits.seconds:.0f} seconds. Ask for a smaller size or another format."
    )


def out_of_memory(limits: engine.Limits) -> errors.OutOfMemory:
    return errors.OutOfMemory(
        f"This conversion needs more than the {limits.memory_bytes // 2**20} MB of memory it may have. "
        "Send a smaller picture."
    )


def crashed() -> errors.Crashed:
    return errors.Crashed(
        "This file makes the decoder crash. It is damaged: save it anew in another program."
    )
