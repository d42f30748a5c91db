"""Detect missing pixels in a JPEG. libjpeg fills them with grey, and Pillow hides its warnings."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeGuard

from PIL import Image, ImageChops

from .jpeg_segments import END_OF_IMAGE, START_OF_SCAN, Segment, is_frame, segments

_PROGRESSIVE = (0xC2, 0xC6, 0xCA, 0xCE)
_GREY = range(126, 130)
# Arbitrary compressed data without markers, long enough to produce visible pixels.
_MORE = bytes(range(1, 255)) * 16

Decode = Callable[[bytes], Image.Image]


def lacks_scans(data: bytes) -> bool:
    """Return whether the last scans of a progressive file are missing, although it has an end marker."""
    frame, scans = _frame_and_scans(data)
    return _is_progressive(frame) and bool(scans) and not _has_all_scans(data, frame, scans)


def is_incomplete(data: bytes, image: Image.Image, decode: Decode) -> bool:
    """Return whether compressed data is missing, although the file ends with an end marker.

    The file may have been truncated and then closed with an end marker, or have lost data in between.
    `decode` decodes other data to the size of `image`. With data appended, a complete file decodes to the
    same pixels, but a truncated one to other pixels where it was grey.
    """
    if lacks_scans(data):
        return True
    frame, scans = _frame_and_scans(data)
    if frame is None or not scans:
        return False
    last = scans[-1]
    if _is_progressive(frame):
        if _ends_filled(data, last.end) or (_refines(data, last) and _is_shrunk(image, data, frame)):
            return False
    elif not _ends_grey(image):
        return False
    try:
        other = decode(data[: last.end] + _MORE + data[last.end :])
    except (OSError, SyntaxError, ValueError):
        return False
    return ImageChops.difference(image, other).getbbox(alpha_only=False) is not None


def _frame_and_scans(data: bytes) -> tuple[Segment | None, list[Segment]]:
    """Return the frame header and the scans, or nothing if the file has no end marker."""
    found = list(segments(data))
    if not found or found[-1].marker != END_OF_IMAGE:
        return None, []
    frame = next((segment for segment in found if is_frame(segment.marker)), None)
    return frame, [segment for segment in found if segment.marker == START_OF_SCAN]


def _is_progressive(frame: Segment | None) -> TypeGuard[Segment]:
    return frame is not None and frame.marker in _PROGRESSIVE


def _ends_filled(data: bytes, end: int) -> bool:
    """Return whether the last bit of the scan is 1, with which encoders pad the last byte."""
    return bool(data[end - 1] & 1) or data.endswith(b"\xff\x00", 0, end)


def _refines(data: bytes, scan: Segment) -> bool:
    """Return whether the scan only refines coefficients of earlier scans by one bit (T.81, G.1.1.1.2)."""
    return data[scan.start + 1 + 2 * data[scan.start] + 2] >> 4 > 0


def _is_shrunk(image: Image.Image, data: bytes, frame: Segment) -> bool:
    """Return whether the image was decoded at a reduced size, where the last bit is not visible."""
    return image.width < int.from_bytes(data[frame.start + 3 : frame.start + 5], "big")


def _ends_grey(image: Image.Image) -> bool:
    pixel = image.getpixel((image.width - 1, image.height - 1))
    return all(value in _GREY for value in (pixel if isinstance(pixel, tuple) else (pixel,)))


def _has_all_scans(data: bytes, frame: Segment, scans: list[Segment]) -> bool:
    """Return whether the scans contain all bits of all coefficients of each component (T.81, G.1.1.1)."""
    components = [data[at] for at in range(frame.start + 6, frame.end, 3)]
    missing = {(component, number): 99 for component in components for number in range(64)}
    for scan in scans:
        count = data[scan.start]
        at = scan.start + 1 + 2 * count
        first, last, low = data[at], data[at + 1], data[at + 2] & 15
        for component in data[scan.start + 1 : at : 2]:
            missing.update({(component, number): low for number in range(first, last + 1)})
    return not any(missing.values())
