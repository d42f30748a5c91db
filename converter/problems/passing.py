"""Codes of failures after which a retry may help: neither the image nor the request caused them."""

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
