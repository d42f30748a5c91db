"""Detect damage in the compressed data of a JPEG, which libjpeg conceals. Pillow hides its warnings."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from io import BytesIO
from itertools import cycle, islice

from PIL import ImageFile

from .jpeg_segments import START_OF_SCAN, is_frame, segments

_TABLES, _INTERVAL = 0xC4, 0xDD
_SEQUENTIAL = (0xC0, 0xC1)
_ARITHMETIC = (0xC9, 0xCA)
_WITH_BLOCKS = (*_SEQUENTIAL, 0xC2, *_ARITHMETIC)
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


def load(image: ImageFile.ImageFile, data: bytes) -> bool:
    """Decode the first image of the file. Return whether compressed data was left over.

    Damaged data often decodes to more pixels than the image has, so that the decoder finishes early.
    """
    read_at_once(image, data)
    mark = _all_but_the_end(data)
    if mark is None:
        image.load()
        return False
    image.fp = source = _InTwo(data, mark)
    image.load()
    return source.tell() <= mark


def read_at_once(image: ImageFile.ImageFile, data: bytes) -> None:
    """Make Pillow pass an arithmetically coded file in one piece; libjpeg cannot wait for more data."""
    if any(segment.marker in _ARITHMETIC for segment in segments(data)):
        image.decodermaxblock = sys.maxsize


def _all_but_the_end(data: bytes) -> int | None:
    """Return the offset of the last bytes of a sequential JPEG's compressed data, or None if inconclusive."""
    found = list(segments(data))
    frame = next((segment for segment in found if is_frame(segment.marker)), None)
    scan = next((segment for segment in reversed(found) if segment.marker == START_OF_SCAN), None)
    if frame is None or scan is None or frame.marker not in _SEQUENTIAL:
        return None
    mark = scan.end - _MOST_PADDING
    is_padding = len(set(data[mark : scan.end])) <= _FEW
    return None if mark <= scan.start or is_padding else mark


class _InTwo(BytesIO):
    """A stream that ends a read at `mark` and returns the remaining bytes only for the next read."""

    def __init__(self, data: bytes, mark: int) -> None:
        super().__init__(data)
        self._mark = mark

    def read(self, size: int | None = -1, /) -> bytes:
        at = self.tell()
        wanted = len(self.getbuffer()) - at if size is None or size < 0 else size
        return super().read(self._mark - at if at < self._mark < at + wanted else wanted)
