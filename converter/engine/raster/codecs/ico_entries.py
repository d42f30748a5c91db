"""Select the best image of an icon and apply its mask, where 1 is transparent (Microsoft, "Icons", 1995)."""

from __future__ import annotations

import struct
from typing import NamedTuple

from PIL import Image

from converter.engine.errors import Corrupt, Truncated, UnsupportedVariant
from converter.engine.formats import FORMATS
from converter.engine.limits import Limits

from .bmp_kinds import channels_of_icon

_PNG = b"\x89PNG\r\n\x1a\n"
_HEADER, _LONGEST_HEADER = 40, 124
_COMPRESSIONS = {1: "RLE", 2: "RLE", 3: "bit field", 4: "JPEG", 5: "PNG", 6: "bit field"}
_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
"""The number of channels of a PNG by its colour type."""


class _Entry(NamedTuple):
    start: int
    end: int
    width: int
    height: int
    bits: int
    """Bits per pixel."""
    is_png: bool


def guard(data: bytes, limits: Limits) -> None:
    """Check the size of all images. Raises Truncated, Corrupt and TooManyPixels."""
    for entry in _entries(data):
        limits.check_pixels(entry.width, entry.height)


def only_best(data: bytes) -> bytes:
    """Return an icon with only its largest image, or the deepest of several equally large ones.

    Its mask is in a form that Pillow can read. Raises Truncated and Corrupt.
    """
    best = _best(data)
    image = data[best.start : best.end]
    if not best.is_png:
        image, best = _uncompressed(image, best)
        image = _with_mask(image, best)
    sides = [side if side < 256 else 0 for side in (best.width, best.height)]
    depth = 32 if best.bits == 32 else min(best.bits, 24)
    directory = struct.pack("<HHHBBBBHHII", 0, 1, 1, *sides, 0, 0, 1, depth, len(image), 22)
    return directory + image


def png_of(data: bytes) -> bytes | None:
    """Return the best image if it is a PNG, otherwise None."""
    best = _best(data)
    return data[best.start : best.end] if best.is_png else None


def _best(data: bytes) -> _Entry:
    return max(_entries(data), key=lambda entry: (entry.width * entry.height, entry.bits))


def _entries(data: bytes) -> list[_Entry]:
    """Return the entries with sizes from the image headers, since the directory's are often wrong."""
    try:
        count = struct.unpack_from("<H", data, 4)[0]
        if not count:
            raise Corrupt(kind="icon")
        return [_entry(data, *struct.unpack_from("<II", data, 14 + 16 * number)) for number in range(count)]
    except struct.error as exc:
        raise Truncated from exc


def _entry(data: bytes, size: int, start: int) -> _Entry:
    end = start + size
    if data[start : start + 8] == _PNG:
        if end > len(data):
            raise Truncated
        width, height, depth, color = struct.unpack_from(">IIBB", data, start + 16)
        return _Entry(start, end, width, height, depth * _CHANNELS.get(color, 1), True)
    header, width, height, _, depth = struct.unpack_from("<IiiHH", data, start)
    if end > len(data):
        raise Truncated
    if not _HEADER <= header <= _LONGEST_HEADER:
        raise Corrupt
    return _Entry(start, end, abs(width), abs(height) // 2, depth, False)


def _uncompressed(bitmap: bytes, entry: _Entry) -> tuple[bytes, _Entry]:
    """Return the bitmap as plain 32-bit pixels if it has bit fields (BI_BITFIELDS).

    Raises UnsupportedVariant.
    """
    compression = struct.unpack_from("<16xI", bitmap)[0]
    if compression not in _COMPRESSIONS:
        return bitmap, entry
    found = channels_of_icon(bitmap, entry.height)
    if found is None:
        name = _COMPRESSIONS[compression]
        raise UnsupportedVariant(kind="compression", format=FORMATS["ico"].label, compression=name)
    pixels, end = found
    head = struct.pack("<IiiHHIIiiII", _HEADER, entry.width, 2 * entry.height, 1, 32, 0, 0, 0, 0, 0, 0)
    return head + pixels + bitmap[end:], entry._replace(bits=32)


def _with_mask(bitmap: bytes, entry: _Entry) -> bytes:
    """Return the bitmap followed by its mask, or with 32 bits per pixel, by none.

    There the mask becomes the alpha channel if that is all 0. Tools from before Windows XP left it 0, which
    would make everything transparent.
    """
    header, _, _, _, _, _, _, _, _, colors = struct.unpack_from("<IiiHHIIiiI", bitmap)
    if entry.bits <= 8:
        header += 4 * (colors or 1 << entry.bits)
    pixels = header + -(-entry.width * entry.bits // 32) * 4 * entry.height
    stride = -(-entry.width // 32) * 4
    mask = bitmap[pixels : pixels + stride * entry.height]
    if entry.bits != 32:
        return bitmap[: pixels + len(mask)]
    alphas = slice(header + 3, pixels, 4)
    if any(bitmap[alphas]):
        return bitmap[:pixels]
    made = bytearray(bitmap[:pixels])
    made[alphas] = _alpha(mask, entry, stride)
    return bytes(made)


def _alpha(mask: bytes, entry: _Entry, stride: int) -> bytes:
    if len(mask) < stride * entry.height:
        return b"\xff" * (entry.width * entry.height)
    return (
        Image.frombytes("1", (entry.width, entry.height), mask, "raw", "1;I", stride, 1)
        .convert("L")
        .tobytes()
    )
