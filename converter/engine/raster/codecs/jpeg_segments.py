"""The segments of a JPEG (ITU-T T.81, annex B), read without decoding."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

START_OF_SCAN, END_OF_IMAGE = 0xDA, 0xD9
_COMMENT, _APPLICATION = 0xFE, range(0xE0, 0xF0)
_STANDALONE = {0x01, *range(0xD0, 0xD9)}
_FRAMES = {*range(0xC0, 0xD0), 0xF7} - {0xC4, 0xC8, 0xCC}

# A scan runs until a marker that is neither a restart nor a stuffed byte.
_MARKER = re.compile(rb"\xff+[^\x00\xff\xd0-\xd7]")


class Segment(NamedTuple):
    """`start` and `end` enclose what the segment says, behind its marker and length."""

    marker: int
    start: int
    end: int


def segments(data: bytes) -> Iterator[Segment]:
    """Yield the segments up to the end of the first image; a scan's ends where its compressed data does."""
    at = 2
    while at + 4 <= len(data):
        if data[at] != 0xFF:
            at = data.find(b"\xff", at)  # stray bytes between segments, which decoders step over
            if at < 0:
                return
            continue
        marker = data[at + 1]
        if marker == END_OF_IMAGE:
            yield Segment(marker, at + 2, at + 2)
            return
        if marker in (0x00, 0xFF) or marker in _STANDALONE:
            at += 1 if marker == 0xFF else 2
            continue
        start, end = at + 4, at + 2 + int.from_bytes(data[at + 2 : at + 4], "big")
        if end < start or end > len(data):
            return
        if marker == START_OF_SCAN:
            found = _MARKER.search(data, end)
            end = found.start() if found else len(data)
        yield Segment(marker, start, end)
        at = end
    if data[at : at + 2] == b"\xff\xd9":
        yield Segment(END_OF_IMAGE, at + 2, at + 2)


def before_pixels(data: bytes) -> Iterator[Segment]:
    """Yield the segments before the first scan."""
    for segment in segments(data):
        if segment.marker == START_OF_SCAN:
            return
        yield segment


def is_frame(marker: int) -> bool:
    """Whether the segment tells how the image is coded (SOF, or that of JPEG-LS)."""
    return marker in _FRAMES


def without_metadata(data: bytes) -> bytes:
    """Return the first image with what a decoder needs: no EXIF, XMP, IPTC, comments or second pictures."""
    parts = [data[:2]]
    for segment in segments(data):
        if segment.marker == END_OF_IMAGE:
            break
        if not _is_metadata(segment.marker, data[segment.start : segment.end]):
            start = segment.start - 4
            parts.append(data[start : segment.end])
    return b"".join(parts) + bytes((0xFF, END_OF_IMAGE))


def with_head(data: bytes, other: bytes) -> bytes:
    """Return the first image with its metadata (JFIF header, all APPn, comments) replaced by another's."""
    head = [other[segment.start - 4 : segment.end] for segment in before_pixels(other) if _is_apart(segment)]
    own = [data[segment.start - 4 : segment.end] for segment in segments(data) if not _is_apart(segment)]
    end = bytes((0xFF, END_OF_IMAGE))
    return b"".join((data[:2], *head, *own[:-1], end))


def _is_apart(segment: Segment) -> bool:
    """Whether a decoder of the pixels may do without it."""
    return segment.marker == _COMMENT or segment.marker in _APPLICATION


def _is_metadata(marker: int, content: bytes) -> bool:
    """All but JFIF's header, the profile and Adobe's word on colours."""
    if marker == _COMMENT:
        return True
    if marker not in _APPLICATION:
        return False
    return not content.startswith((b"JFIF\x00", b"ICC_PROFILE\x00", b"Adobe"))
