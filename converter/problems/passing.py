"""Codes of failures after which trying the same again may help: the cause was not the image, nor what was asked for."""

from __future__ import annotations

PASSING = frozenset(
    {
        "engine_error",
        "crashed",
        "timed_out",
        "out_of_memory",
        "gave_up",
        "queue_timed_out",
        "no_room",
        "quota_exceeded",
        "result_missing",
    }
)
