"""Parse the segments of a JPEG (ITU-T T.81, annex B) without decoding."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator
from itertools import islice
from typing import NamedTuple

START_OF_SCAN, END_OF_IMAGE = 0xDA, 0xD9
_APP2, _PROFILE = 0xE2, b"ICC_PROFILE\x00"
_COMMENT, _APPLICATION = 0xFE, range(0xE0, 0xF0)
_STANDALONE = {0x01, *range(0xD0, 0xD9)}
_FRAMES = {*range(0xC0, 0xD0), 0xF7} - {0xC4, 0xC8, 0xCC}

_SHORTEST = ((0xE0, b"JFIF\x00", 14), (_APP2, _PROFILE, 14), (0xEE, b"Adobe", 12))
"""The minimum lengths in libjpeg, which ignores shorter segments; Pillow treats them as damage."""
ARITHMETIC = (0xC9, 0xCA)
"""The frame headers of arithmetically coded files, which libjpeg reads."""
_LINES, _IGNORED, _HEIGHT = 0xDC, 0xE9, slice(1, 3)
_FILL = re.compile(rb"\xff+")  # any number may precede a marker

# A scan ends at a marker that is neither a restart marker nor a stuffed byte. The pattern begins with a fixed
# byte, which makes the search fast.
_MARKER = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")


_READ = (
    b"JFIF\x00",
    b"Exif\x00",
    b"http://ns.adobe.com/xap/1.0/\x00",
    b"http://ns.adobe.com/xmp/extension/\x00",
    b"ICC_PROFILE\x00",
    b"Photoshop 3.0\x00",
    b"Adobe",
)
"""The identifiers of the application segments that are read."""


MOST = 10_000
"""The maximum number of segments in a file. Encoders write a few dozen, and each takes time."""


class Segment(NamedTuple):
    """A segment. `start` and `end` enclose its content, after the marker and length."""

    marker: int
    start: int
    end: int


_latest: deque[tuple[bytes, tuple[Segment, ...]]] = deque(maxlen=2)
"""The latest files and their segments: the file itself and what is decoded of it."""


def segments(data: bytes) -> Iterator[Segment]:
    """Yield the segments up to the end of the first image. A scan includes its compressed data.

    Yields at most MOST + 1 segments. Caches those of the latest files, because searching for the ends of the
    scans takes a tenth of the time of decoding to a small image.
    """
    found = next((found for file, found in _latest if file is data), None)
    if found is None:
        found = tuple(islice(_segments(data, scans=True), MOST + 1))
        _latest.append((data, found))
    yield from found


def _segments(data: bytes, scans: bool) -> Iterator[Segment]:
    """Yield the segments. Without `scans`, stop before the first scan, which may be most of the file."""
    at = 2
    while at + 4 <= len(data):
        if data[at] != 0xFF:
            at = data.find(b"\xff", at)  # decoders skip stray bytes between segments
            if at < 0:
                return
            continue
        marker = data[at + 1]
        if marker == END_OF_IMAGE:
            yield Segment(marker, at + 2, at + 2)
            return
        if marker == 0xFF:
            at = _FILL.match(data, at).end() - 1  # type: ignore[union-attr]
            continue
        if marker == 0x00 or marker in _STANDALONE:
            at += 2
            continue
        start, end = at + 4, at + 2 + int.from_bytes(data[at + 2 : at + 4], "big")
        if end < start or end > len(data):
            return
        if marker == START_OF_SCAN:
            if not scans:
                return
            end = _end_of_scan(data, end)
        yield Segment(marker, start, end)
        at = end
    while data[at : at + 2] == b"\xff\xff":
        at += 1
    if data[at : at + 2] == b"\xff\xd9":
        yield Segment(END_OF_IMAGE, at + 2, at + 2)


def _end_of_scan(data: bytes, start: int) -> int:
    found = _MARKER.search(data, start)
    end = found.start() if found else len(data)
    while found and end > start and data[end - 1] == 0xFF:
        end -= 1
    return end


def before_pixels(data: bytes) -> Iterator[Segment]:
    """Yield the segments before the first scan."""
    return _segments(data, scans=False)


def is_frame(marker: int) -> bool:
    """Return whether the segment is a frame header (SOF, or that of JPEG-LS)."""
    return marker in _FRAMES


def profile_of(data: bytes) -> bytes:
    """Return the ICC profile, joined from its chunks in order (ICC.1, B.4) even if one is missing."""
    pieces: dict[int, bytes] = {}
    for segment in before_pixels(data):
        content = data[segment.start : segment.end]
        if segment.marker == _APP2 and content.startswith(_PROFILE) and len(content) > len(_PROFILE) + 2:
            pieces.setdefault(content[len(_PROFILE)], content[len(_PROFILE) + 2 :])
    return b"".join(pieces[number] for number in sorted(pieces))


def readable(data: bytes) -> bytes:
    """Return the JPEG without segments that are too short, and with its height in the frame header.

    The height may follow the first scan instead (DNL; T.81, B.2.5), which libjpeg does not support.
    """
    changes: dict[int, bytes] = {}
    for segment in before_pixels(data):
        content = data[segment.start : segment.end]
        if is_frame(segment.marker) and content[_HEIGHT] == b"\x00\x00":
            lines = next((found for found in segments(data) if found.marker == _LINES), None)
            if lines:
                changes[segment.start + 1] = data[lines.start : lines.start + 2]
        if any(
            segment.marker == marker and content.startswith(name) and len(content) < least
            for marker, name, least in _SHORTEST
        ):
            changes[segment.start - 3] = bytes((_IGNORED,))
    if not changes:
        return data
    output = bytearray(data)
    for at, new in changes.items():
        output[at : at + len(new)] = new
    return bytes(output)


def without_metadata(data: bytes) -> bytes:
    """Return the first image without EXIF, XMP, IPTC, comments and further images."""
    parts = [data[:2]]
    for segment in segments(data):
        if segment.marker == END_OF_IMAGE:
            break
        if not _is_metadata(segment.marker, data[segment.start : segment.end]):
            start = segment.start - 4
            parts.append(data[start : segment.end])
    return b"".join(parts) + bytes((0xFF, END_OF_IMAGE))


def is_all_read(data: bytes) -> bool:
    """Return whether the file has only application segments that are read, and no data after its end."""
    end = 0
    for segment in segments(data):
        end = segment.end
        if segment.marker in _APPLICATION and not data.startswith(_READ, segment.start):
            return False
    return end == len(data)


def with_head(data: bytes, other: bytes) -> bytes:
    """Return the first image with the JFIF header, APPn segments and comments of `other`."""
    head = [other[segment.start - 4 : segment.end] for segment in before_pixels(other) if _is_apart(segment)]
    own = [data[segment.start - 4 : segment.end] for segment in segments(data) if not _is_apart(segment)]
    end = bytes((0xFF, END_OF_IMAGE))
    return b"".join((data[:2], *head, *own[:-1], end))


def _is_apart(segment: Segment) -> bool:
    """Return whether the segment is an application segment or comment, which decoding does not need."""
    return segment.marker == _COMMENT or segment.marker in _APPLICATION


def _is_metadata(marker: int, content: bytes) -> bool:
    """Return whether it is metadata other than the JFIF header, profile and Adobe's colour transform."""
    if marker == _COMMENT:
        return True
    if marker not in _APPLICATION:
        return False
    return not content.startswith((b"JFIF\x00", b"ICC_PROFILE\x00", b"Adobe"))
