"""Signs that the compressed data of a JPEG is damaged: libjpeg shows something in its place, and Pillow hides its warnings."""

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
_MOST_PADDING = 8  # bytes; some cameras write a few too many
_FEW = 3
_HOLE = bytes(64)
_END_OF_BLOCK = 0


def is_damaged(data: bytes) -> bool:
    """Judge by the bytes."""
    return _has_lost_restarts(data) or _has_hole(data)


def _has_lost_restarts(data: bytes) -> bool:
    """Whether the restart markers are not those that the header announces (T.81, B.2.1, B.2.4.4): what lies between
    them is then missing or in the wrong place. More of them after the last pixel do no harm.
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
    """Return how many units (MCU) a scan codes: blocks of one component, or all components' blocks of an area (A.2)."""
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
    """Whether a stretch of the compressed data is zeros, as after a failed copy, that cannot stand for pixels.

    The code of nothing but zeros is that of a table's first value (T.81, annex C). Where that is not the end of a
    block, a block of zeros would be 63 equal coefficients.
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
    """Yield the class and number of each Huffman table, and the value with the shortest code."""
    while len(content) > 17:
        yield content[0], content[17]
        content = content[17 + sum(content[1:17]) :]


def load(image: ImageFile.ImageFile, data: bytes) -> bool:
    """Decode the picture, which is the first of the file. Return whether its decoder had all pixels well before the
    compressed data ended; damaged data often decodes to more pixels than there are.
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
    """Let Pillow hand over an arithmetically coded file in one piece: libjpeg cannot wait for more of it."""
    if any(segment.marker in _ARITHMETIC for segment in segments(data)):
        image.decodermaxblock = sys.maxsize


def _all_but_the_end(data: bytes) -> int | None:
    """Return where the last bytes of a sequential JPEG's compressed data begin; None if that says nothing."""
    found = list(segments(data))
    frame = next((segment for segment in found if is_frame(segment.marker)), None)
    scan = next((segment for segment in reversed(found) if segment.marker == START_OF_SCAN), None)
    if frame is None or scan is None or frame.marker not in _SEQUENTIAL:
        return None
    mark = scan.end - _MOST_PADDING
    is_padding = len(set(data[mark : scan.end])) <= _FEW
    return None if mark <= scan.start or is_padding else mark


class _InTwo(BytesIO):
    """Hands out the bytes up to `mark`, and the others only when asked again."""

    def __init__(self, data: bytes, mark: int) -> None:
        super().__init__(data)
        self._mark = mark

    def read(self, size: int | None = -1, /) -> bytes:
        at = self.tell()
        wanted = len(self.getbuffer()) - at if size is None or size < 0 else size
        return super().read(self._mark - at if at < self._mark < at + wanted else wanted)
