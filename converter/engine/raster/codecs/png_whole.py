"""Whether the compressed pixels of a PNG are enough for the picture: of what is missing, Pillow makes zeros."""

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
"""Where each pass begins and its steps, across and down (PNG, third edition, 8.1)."""
_LAST_ROWS = 2  # one of them belongs to the last pass of an interlaced picture
_AT_ONCE = 1 << 20


def ends_early(image: Image.Image, data: bytes) -> bool:
    """Judge by the end of the decoded picture, and where that could be missing by the length of the unpacked data."""
    width, height = image.size
    last = [image.crop((0, row, width, row + 1)) for row in range(max(0, height - _LAST_ROWS), height)]
    if all(_is_filled(row) for row in last):
        return False
    return not _unpacks_to(_needed(data), data)


def _is_filled(row: Image.Image) -> bool:
    bands = zip(row.getbands(), row.split(), strict=True)
    return any(band.getextrema() != (0, 0) for name, band in bands if name != "A")


def _needed(data: bytes) -> int:
    """Return how many bytes the rows take, each with its filter."""
    width, height, depth, color, _, _, interlace = struct.unpack_from(">IIBBBBB", data, 16)
    pixel = depth * _CHANNELS[color]
    total = 0
    for left, top, across, down in _ADAM7 if interlace else _WHOLE:
        columns, rows = -(-(width - left) // across), -(-(height - top) // down)
        if columns > 0 and rows > 0:
            total += rows * (1 + (columns * pixel + 7) // 8)
    return total


def _unpacks_to(needed: int, data: bytes) -> bool:
    """Return whether the compressed pixels unpack to so many bytes."""
    unpacker, total = zlib.decompressobj(), 0
    for chunk in chunks(data):
        rest = chunk.data if chunk.kind == b"IDAT" else b""
        while rest and total < needed and not unpacker.eof:
            total += len(unpacker.decompress(rest, min(_AT_ONCE, needed - total)))
            rest = unpacker.unconsumed_tail
    return total >= needed
