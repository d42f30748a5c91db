"""Read Content Credentials: the C2PA manifest as each container stores it (C2PA 2.x, appendix A)."""

from __future__ import annotations

import io
from collections.abc import Iterator
from uuid import UUID

from PIL import Image
from PIL.TiffImagePlugin import TiffImageFile

from .boxes import boxes
from .jpeg_segments import before_pixels
from .png_chunks import chunks

_APP11 = 0xEB
_JPEG_HEADER = 16  # "JP", two numbers, and the box length and type, which each segment repeats
_UUID = UUID("d8fec3d6-1b0e-483c-9297-5828877ec481").bytes
_TIFF_TAG = 52545
_GIF_EXTENSION = b"\x21\xff\x0bC2PA_GIF\x01\x00\x00"
_MARK = b"c2pa"  # the type of a manifest store's description box begins with it, and its label is the same


def in_jpeg(data: bytes) -> bytes:
    """Return the manifest in the APP11 segments (ISO/IEC 19566-5, annex D), or empty bytes."""
    parts = [
        data[segment.start + _JPEG_HEADER : segment.end]
        for segment in before_pixels(data)
        if segment.marker == _APP11 and data[segment.start : segment.start + 2] == b"JP"
    ]
    return _if_marked(b"".join(parts))


def in_png(data: bytes) -> bytes:
    """Return the manifest in the caBX chunk."""
    return b"".join(chunk.data for chunk in chunks(data) if chunk.kind == b"caBX")


def in_webp(data: bytes) -> bytes:
    """Return the manifest in the C2PA chunk of the RIFF container."""
    return b"".join(data[start:end] for kind, start, end in _riff_chunks(data) if kind == b"C2PA")


def in_boxes(data: bytes) -> bytes:
    """Return the manifest in a top-level box: uuid in AVIF and HEIC, jumb in JPEG XL."""
    found = []
    for kind, start, end in boxes(data):
        if kind == b"uuid" and data[start : start + 16] == _UUID:
            found.append(data[start + 16 : end])
        elif kind == b"jumb":
            found.append(_if_marked(data[start:end]))
    return b"".join(found)


def in_tiff(data: bytes) -> bytes:
    """Return the manifest in tag 52545 of the first page."""
    with Image.open(io.BytesIO(data), formats=["TIFF"]) as image:
        assert isinstance(image, TiffImageFile)
        found = image.tag_v2.get(_TIFF_TAG, b"")
    return found if isinstance(found, bytes) else b""


def in_gif(data: bytes) -> bytes:
    """Return the manifest in the C2PA_GIF application extension, joined from its sub-blocks."""
    at = data.find(_GIF_EXTENSION)
    if at < 0:
        return b""
    at, found = at + len(_GIF_EXTENSION), []
    while at < len(data) and data[at]:
        found.append(data[at + 1 : at + 1 + data[at]])
        at += 1 + data[at]
    return _if_marked(b"".join(found))


def _if_marked(content: bytes) -> bytes:
    """Return the content of a box if it is a manifest, since other data uses such boxes too."""
    return content if _MARK in content[:64] else b""


def _riff_chunks(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    at = 12
    while at + 8 <= len(data):
        start, end = at + 8, at + 8 + int.from_bytes(data[at + 4 : at + 8], "little")
        if end > len(data):
            return
        yield data[at : at + 4], start, end
        at = end + end % 2
