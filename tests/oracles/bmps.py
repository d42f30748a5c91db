"""BMPs with every header (BITMAPV5HEADER; OS/2's two), depth, bit field and run-length coding."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from itertools import product

import numpy as np
from numpy.typing import NDArray

from .case import HEIGHT, WIDTH, Case, picture

_CORE, _INFO, _OS2 = 12, 40, 64
_HEADERS = (_INFO, 52, 56, 108, 124)
_SHORT_OS2 = (16, 24, 36, 42, 48)
"""OS/2's second header, ending early."""
_RGB, _RLE8, _RLE4, _BITFIELDS, _RLE24 = 0, 1, 2, 3, 4
_BY = ("chromium",)
_BOTH = ("chromium", "magick")
"""ImageMagick 6 misreads some bit fields and OS/2 headers, and reads the fourth byte as alpha."""

_FIELDS = {
    "565": (16, (0xF800, 0x07E0, 0x001F, 0)),
    "555": (16, (0x7C00, 0x03E0, 0x001F, 0)),
    "1555": (16, (0x7C00, 0x03E0, 0x001F, 0x8000)),
    "4444": (16, (0x0F00, 0x00F0, 0x000F, 0xF000)),
    "444": (16, (0x0F00, 0x00F0, 0x000F, 0)),
    "bgr565": (16, (0x001F, 0x07E0, 0xF800, 0)),
    "664": (16, (0xFC00, 0x03F0, 0x000F, 0)),
    "888": (32, (0xFF0000, 0xFF00, 0xFF, 0)),
    "8888": (32, (0xFF0000, 0xFF00, 0xFF, 0xFF000000)),
    "rgba": (32, (0xFF, 0xFF00, 0xFF0000, 0xFF000000)),
    "abgr": (32, (0xFF000000, 0xFF0000, 0xFF00, 0xFF)),
    "101010": (32, (0x3FF00000, 0xFFC00, 0x3FF, 0)),
    "2101010": (32, (0x3FF00000, 0xFFC00, 0x3FF, 0xC0000000)),
    "777": (32, (0x1FC000, 0x3F80, 0x7F, 0)),
}


def cases() -> Iterator[Case]:
    for bits, header, down in product((1, 2, 4, 8), (_CORE, *_SHORT_OS2, _OS2, *_HEADERS), (False, True)):
        if header == _CORE and (bits == 2 or down):
            continue
        yield Case(
            f"bmp-palette{bits}-{header}{'-down' * down}",
            _palette(bits, header, down),
            _BY if header in (*_SHORT_OS2, _OS2) else _BOTH,
        )
    for bits, header, down in product((16, 24, 32), (*_SHORT_OS2, _OS2, *_HEADERS), (False, True)):
        yield Case(
            f"bmp-rgb{bits}-{header}{'-down' * down}",
            _plain(bits, header, down),
            _BY if bits == 32 else _BOTH,
        )
    yield Case("bmp-rgb24-12", _plain(24, _CORE, False), _BOTH)
    for (name, (bits, masks)), header, down in product(_FIELDS.items(), _HEADERS, (False, True)):
        if header > 52 or not masks[3]:
            yield Case(f"bmp-fields{name}-{header}{'-down' * down}", _fields(bits, masks, header, down), _BY)
    for bits, how, header in product((4, 8), ("runs", "absolute", "mixed"), (24, _OS2, _INFO, 108, 124)):
        by = _BY if header in (24, _OS2) else _BOTH
        yield Case(f"bmp-rle{bits}-{how}-{header}", _runs(bits, how, header), by)
    for how, header in product(("runs", "absolute", "mixed"), (24, _OS2)):
        yield Case(f"bmp-rle24-{how}-{header}", _runs(24, how, header), _BY)


def file(
    header: int, bits: int, compression: int, masks: tuple[int, ...], colors: bytes, body: bytes, down: bool
) -> bytes:
    """Return the file; `masks` follow a 40-byte header, and are part of a longer one."""
    if header == _CORE:
        told = struct.pack("<IHHHH", header, WIDTH, HEIGHT, 1, bits)
    else:
        each = 3 if bits == 24 and header == _CORE else 4
        told = struct.pack(
            "<IiiHHIIiiII", header, WIDTH, -HEIGHT if down else HEIGHT, 1, bits, compression, len(body), 2835, 2835,
            len(colors) // each, 0,
        )  # fmt: skip
        told += b"".join(struct.pack("<I", mask) for mask in masks) if header != _OS2 else b""
        if header >= 108:
            told = told.ljust(56, b"\0") + b"BGRs"
        told = told.ljust(header, b"\0") if header > _INFO else told[:header]
    start = 14 + len(told) + len(colors)
    return b"BM" + struct.pack("<IHHI", start + len(body), 0, 0, start) + told + colors + body


def _rows(lines: list[bytes], down: bool) -> bytes:
    padded = [line + bytes(-len(line) % 4) for line in lines]
    return b"".join(padded if down else padded[::-1])


def _indices(bits: int) -> NDArray[np.uint8]:
    return np.round(picture(1)[..., 0] * ((1 << bits) - 1)).astype(np.uint8)


def _colors(bits: int, each: int) -> bytes:
    levels = [255 * index // ((1 << bits) - 1) for index in range(1 << bits)]
    return b"".join(bytes((abs(255 - 2 * level), 255 - level, level, 0)[:each]) for level in levels)


def _packed(row: NDArray[np.uint8], bits: int) -> bytes:
    text = "".join(f"{int(value):0{bits}b}" for value in row)
    text += "0" * (-len(text) % 8)
    return int(text, 2).to_bytes(len(text) // 8, "big")


def _palette(bits: int, header: int, down: bool) -> bytes:
    body = _rows([_packed(row, bits) for row in _indices(bits)], down)
    return file(header, bits, _RGB, (), _colors(bits, 3 if header == _CORE else 4), body, down)


def _plain(bits: int, header: int, down: bool) -> bytes:
    if bits == 16:
        return file(header, bits, _RGB, (), b"", _masked(16, _FIELDS["555"][1], down), down)
    octets = _octets()
    if bits == 32:
        octets = np.concatenate([octets, np.zeros_like(octets[..., :1])], axis=2)
    return file(header, bits, _RGB, (), b"", _rows([row.tobytes() for row in octets], down), down)


def _octets() -> NDArray[np.uint8]:
    return np.round(picture(3) * 255).astype(np.uint8)[..., ::-1]


def _masked(bits: int, masks: tuple[int, ...], down: bool) -> bytes:
    values = np.zeros((HEIGHT, WIDTH), np.uint32)
    samples = picture(4)
    for channel, mask in enumerate(masks):
        if mask:
            shift = (mask & -mask).bit_length() - 1
            values |= np.round(samples[..., channel] * (mask >> shift)).astype(np.uint32) << np.uint32(shift)
    return _rows([row.astype(f"<u{bits // 8}").tobytes() for row in values], down)


def _fields(bits: int, masks: tuple[int, ...], header: int, down: bool) -> bytes:
    told = masks if header > 52 else masks[:3]
    body = _masked(bits, masks, down)
    if header == _INFO:
        return file(
            header, bits, _BITFIELDS, (), b"".join(struct.pack("<I", mask) for mask in told), body, down
        )
    return file(header, bits, _BITFIELDS, told, b"", body, down)


def _runs(bits: int, how: str, header: int) -> bytes:
    body = b""
    for number, row in enumerate((_octets() if bits == 24 else _indices(bits))[::-1]):
        absolute = how == "absolute" or (how == "mixed" and number % 2)
        body += (_absolute(row, bits) if absolute else _repeated(row, bits)) + b"\0\0"
    body += b"\0\1"
    compression = {4: _RLE4, 8: _RLE8, 24: _RLE24}[bits]
    return file(header, bits, compression, (), b"" if bits == 24 else _colors(bits, 4), body, False)


def _repeated(row: NDArray[np.uint8], bits: int) -> bytes:
    made, at = b"", 0
    while at < len(row):
        end = at
        while end < len(row) and np.array_equal(row[end], row[at]):
            end += 1
        value = row[at] * 17 if bits == 4 else row[at]
        made += bytes((end - at,)) + value.tobytes()
        at = end
    return made


def _absolute(row: NDArray[np.uint8], bits: int) -> bytes:
    octets = _packed(row, 4) if bits == 4 else row.tobytes()
    return bytes((0, len(row))) + octets + bytes(len(octets) % 2)
