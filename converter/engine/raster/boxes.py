"""The boxes of AVIF, HEIC and JP2 (ISO/IEC 14496-12, 15444-1 annex I), read as far as they are whole."""

from __future__ import annotations

import struct
from collections.abc import Iterator

_MOST_BOXES = 10_000


def boxes(data: bytes, start: int = 0, end: int | None = None) -> Iterator[tuple[bytes, int, int]]:
    """Yield the kind of each box between two places, and where its content begins and ends."""
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


def box(data: bytes, kind: bytes, start: int = 0, end: int | None = None) -> tuple[int, int] | None:
    """Return where the first box of a kind begins and ends."""
    return next((found[1:] for found in boxes(data, start, end) if found[0] == kind), None)


def properties(data: bytes) -> list[tuple[bytes, bytes]]:
    """Return kind and content of what a HEIF file says of its main picture (ISO/IEC 23008-12)."""
    try:
        return _properties(data)
    except struct.error:
        return []


def _properties(data: bytes) -> list[tuple[bytes, bytes]]:
    meta = box(data, b"meta")
    if meta is None:
        return []
    start, end = meta[0] + 4, meta[1]
    main, described = box(data, b"pitm", start, end), box(data, b"iprp", start, end)
    if main is None or described is None:
        return []
    item = struct.unpack_from(">H" if data[main[0]] == 0 else ">I", data, main[0] + 4)[0]
    container = box(data, b"ipco", *described)
    if container is None:
        return []
    known = [(kind, data[first:last]) for kind, first, last in boxes(data, *container)]
    wanted = [
        index
        for kind, first, _ in boxes(data, *described)
        if kind == b"ipma"
        for index in _associated(data, first, item)
    ]
    return [known[index - 1] for index in wanted if 1 <= index <= len(known)]


def _associated(data: bytes, at: int, item: int) -> list[int]:
    """Return the numbers of the properties that an `ipma` box gives to an item."""
    version, flags, count = struct.unpack_from(">B2xBI", data, at)
    at += 8
    name = ">H" if version == 0 else ">I"
    index, mask = (">H", 0x7FFF) if flags & 1 else (">B", 0x7F)
    for _ in range(count):
        found = struct.unpack_from(name, data, at)[0]
        at += struct.calcsize(name)
        many = struct.unpack_from(">B", data, at)[0]
        at += 1
        numbers = [
            struct.unpack_from(index, data, at + struct.calcsize(index) * entry)[0] & mask
            for entry in range(many)
        ]
        at += struct.calcsize(index) * many
        if found == item:
            return numbers
    return []
