"""Detect missing pixels in a PNG, which Pillow fills with zeros."""

from __future__ import annotations

import struct
import zlib

from PIL import Image

from .png_chunks import chunks

_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
_WHOLE = ((0, 0, 1, 1),)
_ADAM7 = (
    (0, 0, 8, 8),
    (4, 0, 8, 8),
    (0, 4, 4, 8),
    (2, 0, 4, 4),
    (0, 2, 2, 4),
    (1, 0, 2, 2),
    (0, 1, 1, 2),
)
"""The offset and step of each pass, horizontal and vertical (PNG, third edition, 8.1)."""
_LAST_ROWS = 2  # one of them belongs to the last pass of an interlaced image
_AT_ONCE = 1 << 20


def ends_early(image: Image.Image, data: bytes) -> bool:
    """Return whether pixels are missing.

    If one of the last rows is all zeros, it may be missing, and the length of the decompressed data decides.
    """
    width, height = image.size
    last = [image.crop((0, row, width, row + 1)) for row in range(max(0, height - _LAST_ROWS), height)]
    if all(_is_filled(row) for row in last):
        return False
    return not _unpacks_to(_needed(data), data)


def _is_filled(row: Image.Image) -> bool:
    bands = zip(row.getbands(), row.split(), strict=True)
    return any(band.getextrema() != (0, 0) for name, band in bands if name != "A")


def _needed(data: bytes) -> int:
    """Return the number of bytes of all rows, including their filter bytes."""
    width, height, depth, color, _, _, interlace = struct.unpack_from(">IIBBBBB", data, 16)
    pixel = depth * _CHANNELS[color]
    total = 0
    for left, top, across, down in _ADAM7 if interlace else _WHOLE:
        columns, rows = -(-(width - left) // across), -(-(height - top) // down)
        if columns > 0 and rows > 0:
            total += rows * (1 + (columns * pixel + 7) // 8)
    return total


def _unpacks_to(needed: int, data: bytes) -> bool:
    """Return whether the compressed pixels decompress to at least this number of bytes."""
    unpacker, total = zlib.decompressobj(), 0
    for chunk in chunks(data):
        rest = chunk.data if chunk.kind == b"IDAT" else b""
        while rest and total < needed and not unpacker.eof:
            total += len(unpacker.decompress(rest, min(_AT_ONCE, needed - total)))
            rest = unpacker.unconsumed_tail
    return total >= needed
