"""Check for free memory before calling a library that aborts the process if an allocation fails."""

from __future__ import annotations

import mmap


def check_room(octets: int) -> None:
    """Raise MemoryError if this many bytes cannot be allocated now."""
    try:
        mmap.mmap(-1, octets).close()
    except OSError as exc:
        raise MemoryError from exc
