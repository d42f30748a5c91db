"""Whether there is room for what a library is about to allocate, where it would end the process without a word."""

from __future__ import annotations

import mmap


def check_room(octets: int) -> None:
    """Raise MemoryError if so many bytes cannot be allocated now."""
    try:
        mmap.mmap(-1, octets).close()
    except OSError as exc:
        raise MemoryError from exc
