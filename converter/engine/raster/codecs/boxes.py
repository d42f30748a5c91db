"""Parse the intact boxes of AVIF, HEIC and JP2 files (ISO/IEC 14496-12; 15444-1, annex I)."""

from __future__ import annotations

import struct
from collections.abc import Collection, Iterator, Mapping

from converter.engine.errors import Corrupt, Truncated

_MOST_BOXES = 10_000
_MOST_HEADER = 256
_VITAL = (b"ftyp", b"meta", b"mdat", b"idat", b"moov", b"jp2h", b"jp2c")


def brands(data: bytes) -> set[bytes]:
    """Return all brands of a file, or an empty set if it does not begin with an `ftyp` box."""
    return {data[8:12], *compatible_brands(data)} if data[4:8] == b"ftyp" else set()


def compatible_brands(data: bytes) -> list[bytes]:
    """Return the compatible brands of a file that begins with an `ftyp` box."""
    end = min(int.from_bytes(data[:4], "big"), _MOST_HEADER, len(data))
    return [data[at : at + 4] for at in range(16, end, 4)]


def rebranded(data: bytes, main: bytes, instead: Mapping[bytes, bytes]) -> bytes:
    """Return the file with another major brand and with compatible brands replaced as in `instead`."""
    end = min(int.from_bytes(data[:4], "big"), _MOST_HEADER, len(data))
    return (
        data[:8]
        + main
        + data[12:16]
        + b"".join(instead.get(brand, brand) for brand in compatible_brands(data))
        + data[max(16, end) :]
    )


def check(data: bytes, needed: Collection[bytes]) -> None:
    """Check that the needed top-level boxes exist and that no box extends beyond the file.

    Any data may follow the last needed box, because cameras and phones append trailers. Raises Truncated and
    Corrupt.
    """
    at, missing = 0, set(needed)
    while at + 8 <= len(data):
        size, kind = int.from_bytes(data[at : at + 4], "big"), data[at + 4 : at + 8]
        if size == 1:
            size = int.from_bytes(data[at + 8 : at + 16], "big")
        if size == 0:
            size = len(data) - at
        is_whole = size >= 8 and at + size <= len(data)
        if not is_whole and not missing and kind not in _VITAL:
            return
        if size < 8:
            raise Corrupt
        if not is_whole:
            raise Truncated
        missing.discard(kind)
        at += size
    if missing:
        raise Truncated


def boxes(data: bytes, start: int = 0, end: int | None = None) -> Iterator[tuple[bytes, int, int]]:
    """Yield the kind of each box between two offsets, and the start and end of its content."""
    end = len(data) if end is None else min(end, len(data))
    for _ in range(_MOST_BOXES):
        if start + 8 > end:
            return
        size, kind = struct.unpack_from(">I4s", data, start)
        content = start + 8
        if size == 1 and start + 16 <= end:
            size = struct.unpack_from(">Q", data, content)[0]
            content += 8
        if size == 0:
            size = end - start
        if size < content - start or start + size > end:
            return
        yield kind, content, start + size
        start += size


def has_many(data: bytes) -> bool:
    """Return whether a file has more boxes than are read."""
    return sum(1 for _ in boxes(data)) == _MOST_BOXES


def box(data: bytes, kind: bytes, start: int = 0, end: int | None = None) -> tuple[int, int] | None:
    """Return the start and end of the content of the first box of this kind, or None."""
    return next((found[1:] for found in boxes(data, start, end) if found[0] == kind), None)
