"""User-facing errors for a child that was stopped."""

from __future__ import annotations

from converter import engine
from converter.engine import errors


def timed_out(limits: engine.Limits) -> errors.TimedOut:
    return errors.TimedOut(seconds=limits.seconds)


def out_of_memory(limits: engine.Limits) -> errors.OutOfMemory:
    return errors.OutOfMemory(kind="limit", most=limits.memory_bytes)


def crashed() -> errors.Crashed:
    return errors.Crashed()
