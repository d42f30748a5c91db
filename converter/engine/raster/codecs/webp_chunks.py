"""Chunks of WebP files (RFC 9649)."""

from __future__ import annotations

import struct
from collections.abc import Iterator

ANIMATED, ALPHA = 0x02, 0x10  # flags of the extended header
_XMP, _EXIF, _PROFILE = 0x04, 0x08, 0x20
_EXIF_PREFIX = b"Exif\x00\x00"


def chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield the type and content of each chunk (2.3)."""
    at = 12
    while at + 8 <= len(data):
        size = int.from_bytes(data[at + 4 : at + 8], "little")
        yield data[at : at + 4], data[at + 8 : at + 8 + size]
        at += 8 + size + size % 2


def with_metadata(
    data: bytes, size: tuple[int, int], profile: bytes = b"", exif: bytes = b"", xmp: bytes = b""
) -> bytes:
    """Return a still picture of this size with metadata, in the order of the extended format (2.7)."""
    if not profile and not exif and not xmp:
        return data
    pixels = [(kind, content) for kind, content in chunks(data) if kind != b"VP8X"]
    flags = {
        _PROFILE: profile,
        _EXIF: exif,
        _XMP: xmp,
        ALPHA: any(kind == b"ALPH" for kind, _ in pixels),
    }
    header = struct.pack("<I", sum(flag for flag, is_set in flags.items() if is_set))
    header += b"".join(struct.pack("<I", side - 1)[:3] for side in size)
    before = [(b"VP8X", header), (b"ICCP", profile)]
    after = [(b"EXIF", exif.removeprefix(_EXIF_PREFIX)), (b"XMP ", xmp)]
    body = b"".join(_chunk(kind, content) for kind, content in (*before, *pixels, *after) if content)
    return struct.pack("<4sI4s", b"RIFF", 4 + len(body), b"WEBP") + body


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack("<4sI", kind, len(content)) + content + bytes(len(content) % 2)
