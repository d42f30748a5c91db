"""Detect damage in the compressed data of a JPEG, which libjpeg decodes all the same."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Sequence
from itertools import cycle, dropwhile, islice

from PIL import ImageFile

from .jpeg_segments import ARITHMETIC, END_OF_IMAGE, START_OF_SCAN, Segment, is_frame, segments
from .jpeg_warnings import watch

_TABLES, _INTERVAL = 0xC4, 0xDD
_SEQUENTIAL = (0xC0, 0xC1)
_WITH_BLOCKS = (*_SEQUENTIAL, 0xC2, *ARITHMETIC)
_BLOCK = 8
_RESTART = re.compile(rb"\xff[\xd0-\xd7]")
_NUMBERED = [bytes((0xFF, 0xD0 + number)) for number in range(8)]
_MOST_PADDING = 8  # bytes; some cameras write a few extra bytes
_FEW = 3
_HOLE = bytes(64)
_END_OF_BLOCK = 0


def is_damaged(data: bytes) -> bool:
    """Return whether the compressed data shows damage, without decoding it."""
    return _has_lost_restarts(data) or _has_hole(data)


def _has_lost_restarts(data: bytes) -> bool:
    """Return whether the restart markers differ from those that the header requires (T.81, B.2.1, B.2.4.4).

    If so, data between them is missing or misplaced. Additional markers after the last pixel are harmless.
    """
    frame, interval = b"", 0
    for segment in segments(data):
        content = data[segment.start : min(segment.end, segment.start + 1024)]
        if is_frame(segment.marker):
            if segment.marker not in _WITH_BLOCKS:
                return False
            frame = content
        elif segment.marker == _INTERVAL:
            interval = int.from_bytes(content[:2], "big")
        elif segment.marker == START_OF_SCAN and frame and interval:
            wanted = -(-_units(frame, content) // interval) - 1
            found = _RESTART.findall(data, segment.start, segment.end)
            following = found[max(0, wanted) :]
            if found[: len(found) - len(following)] != list(islice(cycle(_NUMBERED), max(0, wanted))):
                return True
            if not data.endswith(b"".join(following), segment.start, segment.end):
                return True
    return False


def _units(frame: bytes, scan: bytes) -> int:
    """Return the number of MCUs in a scan (T.81, A.2).

    An MCU is one block of a single component, or all components' blocks of an area.
    """
    height, width = int.from_bytes(frame[1:3], "big"), int.from_bytes(frame[3:5], "big")
    sampling = {frame[at]: divmod(frame[at + 1], 16) for at in range(6, len(frame) - 2, 3)}
    across = max(wide for wide, _ in sampling.values())
    down = max(high for _, high in sampling.values())
    if scan[0] == 1:
        wide, high = sampling[scan[1]]
        columns, rows = -(-width * wide // (across * _BLOCK)), -(-height * high // (down * _BLOCK))
    else:
        columns, rows = -(-width // (across * _BLOCK)), -(-height // (down * _BLOCK))
    return columns * rows


def _has_hole(data: bytes) -> bool:
    """Return whether the data contains a run of zeros that cannot be pixels, as after a failed copy.

    The all-zero code is that of a table's first value (T.81, annex C). If this is not the end of a block, a
    block of zeros would have 63 equal coefficients.
    """
    firsts: dict[int, int] = {}
    for segment in segments(data):
        if is_frame(segment.marker) and segment.marker not in _SEQUENTIAL:
            return False
        if segment.marker == _TABLES:
            firsts.update(_first_values(data[segment.start : segment.end]))
        elif segment.marker == START_OF_SCAN:
            at = data.find(_HOLE, segment.start, segment.end)
            selectors = data[segment.start + 2 : segment.start + 1 + 2 * data[segment.start] : 2]
            is_inside = at >= 0 and data[at : segment.end].strip(b"\x00")
            if is_inside and any(firsts.get(16 + (each & 15), _END_OF_BLOCK) for each in selectors):
                return True
    return False


def _first_values(content: bytes) -> Iterator[tuple[int, int]]:
    """Yield the class and ID byte of each Huffman table, and the value with its first, shortest code."""
    while len(content) > 17:
        yield content[0], content[17]
        content = content[17 + sum(content[1:17]) :]


def load(image: ImageFile.ImageFile, data: bytes) -> bool | None:
    """Decode the first image of the file. Return whether its compressed data was damaged, or None if unknown.

    A shift in the data often goes unnoticed until data is missing or left over at the end.
    """
    image.decodermaxblock = sys.maxsize  # faster, and libjpeg cannot wait for more data of arithmetic coding
    watched = watch(image, data)
    image.load()
    if watched is None:
        return None
    found = list(segments(data))
    is_harmless = watched.left_over and _is_padding(watched.left_over, data, found)
    return watched.warnings - _gaps(data, found) - bool(is_harmless) > 0


def _gaps(data: bytes, found: Sequence[Segment]) -> int:
    """Return the number of places after the first scan with stray bytes between two segments."""
    others = list(dropwhile(lambda segment: segment.marker != START_OF_SCAN, found))
    heads = (segment.start - (2 if segment.marker == END_OF_IMAGE else 4) for segment in others[1:])
    return sum(
        bool(data[before.end : head].strip(b"\xff")) for before, head in zip(others, heads, strict=False)
    )


def _is_padding(count: int, data: bytes, found: Sequence[Segment]) -> bool:
    """Return whether the bytes at the end of the last scan are not compressed data."""
    end = next(segment.end for segment in reversed(found) if segment.marker == START_OF_SCAN)
    return count <= _MOST_PADDING or len(set(data[end - _MOST_PADDING : end])) <= _FEW
