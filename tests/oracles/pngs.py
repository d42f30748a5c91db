"""PNGs with every colour type, depth, filter and interlacing, with or without tRNS (W3C, PNG 3rd edition)."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator, Sequence
from itertools import product

import numpy as np
from numpy.typing import NDArray

from .case import HEIGHT, WIDTH, Case, picture, whole_numbers

Grid = NDArray[np.uint64]

_GRAY, _RGB, _PALETTE, _GRAY_ALPHA, _RGB_ALPHA = 0, 2, 3, 4, 6
_CHANNELS = {_GRAY: 1, _RGB: 3, _PALETTE: 1, _GRAY_ALPHA: 2, _RGB_ALPHA: 4}
_NAMES = {_GRAY: "gray", _RGB: "rgb", _PALETTE: "palette", _GRAY_ALPHA: "grayalpha", _RGB_ALPHA: "rgbalpha"}
_DEPTHS = {_GRAY: (1, 2, 4, 8, 16), _PALETTE: (1, 2, 4, 8)}
_ADAM7 = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))
_MIXED = 5
_ALL = ("vips", "chromium", "magick")

GAMMAS = {"screen": 45_455, "linear": 100_000, "mac": 55_556, "dark": 30_000}
_P3 = (31_270, 32_900, 68_000, 32_000, 26_500, 69_000, 15_000, 6_000)
_SRGB = (31_270, 32_900, 64_000, 33_000, 30_000, 60_000, 15_000, 6_000)


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def cases() -> Iterator[Case]:
    for color, bits in kinds():
        for filter, interlaced in product(range(_MIXED + 1), (False, True)):
            name = f"png-{_NAMES[color]}{bits}-filter{filter}{'-interlaced' * interlaced}"
            yield Case(name, made(color, bits, filter, interlaced), _ALL)
    for (color, bits), interlaced in product(kinds(), (False, True)):
        if color in (_GRAY, _RGB, _PALETTE):
            clear = chunk(b"tRNS", _clear(color, bits))
            name = f"png-{_NAMES[color]}{bits}-clear{'-interlaced' * interlaced}"
            yield Case(name, made(color, bits, _MIXED, interlaced, [clear]), ("vips", "chromium"))
    yield from _colored()


def kinds() -> Iterator[tuple[int, int]]:
    for color in _CHANNELS:
        for bits in _DEPTHS.get(color, (8, 16)):
            yield color, bits


def _colored() -> Iterator[Case]:
    """Yield cases with colour chunks, which libvips and ImageMagick ignore."""
    for (name, gamma), (color, bits) in product(
        GAMMAS.items(), ((_GRAY, 8), (_RGB, 8), (_PALETTE, 8), (_RGB, 16))
    ):
        before = [chunk(b"gAMA", struct.pack(">I", gamma))]
        yield Case(
            f"png-gamma-{name}-{_NAMES[color]}{bits}", made(color, bits, 0, False, before), ("chromium",), 3
        )
    for (name, gamma), (label, points), bits in product(
        GAMMAS.items(), {"p3": _P3, "srgb": _SRGB}.items(), (8, 16)
    ):
        before = [chunk(b"gAMA", struct.pack(">I", gamma)), chunk(b"cHRM", struct.pack(">8I", *points))]
        yield Case(
            f"png-chrm-{label}-{name}-rgb{bits}",
            made(_RGB, bits, 0, False, before),
            ("chromium",),
            _within(name, bits),
        )
    for primaries, transfer in product((1, 9, 12), (1, 8, 13)):
        before = [chunk(b"cICP", bytes((primaries, transfer, 0, 1)))]
        name = f"png-cicp-{primaries}-{transfer}"
        yield Case(name, made(_RGB, 8, 0, False, before), ("chromium",), 3)


def _within(gamma: str, bits: int) -> int:
    """Return the tolerance: in the shadows of linear light, browsers use 8 bits and we use 16."""
    return 10 if gamma == "linear" and bits == 16 else 3


def made(
    color: int,
    bits: int,
    filter: int,
    interlaced: bool,
    before: Sequence[bytes] = (),
    samples: Grid | None = None,
) -> bytes:
    """Return the file; `before` are chunks to write before the pixels."""
    head = struct.pack(">IIBBBBB", WIDTH, HEIGHT, bits, color, 0, 0, interlaced)
    grid = numbers(color, bits) if samples is None else samples
    passes = [grid[y::down, x::across] for x, y, across, down in _ADAM7] if interlaced else [grid]
    body = b"".join(_filtered(part, bits, filter) for part in passes if part.size)
    packed = zlib.compress(body)
    palette = [chunk(b"PLTE", _colors(bits))] if color == _PALETTE else []
    clear = [part for part in before if part[4:8] == b"tRNS"]
    others = [part for part in before if part not in clear]
    pieces = [chunk(b"IHDR", head), *others, *palette, *clear]
    pieces += [chunk(b"IDAT", packed[:50]), chunk(b"IDAT", packed[50:]), chunk(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(pieces)


def numbers(color: int, bits: int) -> Grid:
    return whole_numbers(picture(_CHANNELS[color]), bits)


def _colors(bits: int) -> bytes:
    levels = np.linspace(0, 255, 1 << bits)
    colors = np.stack([levels, 255 - levels, np.abs(255 - 2 * levels)], axis=-1)
    return np.round(colors).astype(np.uint8).tobytes()


def _clear(color: int, bits: int) -> bytes:
    if color == _PALETTE:
        return bytes((0, 128, 255, 64)[: 1 << bits])
    pixel = numbers(color, bits)[HEIGHT // 2, WIDTH // 2]
    return struct.pack(f">{len(pixel)}H", *(int(value) for value in pixel))


def _filtered(grid: Grid, bits: int, filter: int) -> bytes:
    unit = max(1, bits * grid.shape[2] // 8)
    before = b""
    lines = b""
    for number, row in enumerate(grid):
        line = _packed(row, bits)
        kind = number % _MIXED if filter == _MIXED else filter
        lines += bytes([kind]) + _differences(line, before or bytes(len(line)), unit, kind)
        before = line
    return lines


def _packed(row: Grid, bits: int) -> bytes:
    if bits == 16:
        return row.astype(">u2").tobytes()
    text = "".join(f"{int(value):0{bits}b}" for value in row.ravel())
    text += "0" * (-len(text) % 8)
    return int(text, 2).to_bytes(len(text) // 8, "big")


def _differences(line: bytes, above: bytes, unit: int, kind: int) -> bytes:
    made = bytearray()
    for at, value in enumerate(line):
        left = line[at - unit] if at >= unit else 0
        corner = above[at - unit] if at >= unit else 0
        guess = (0, left, above[at], (left + above[at]) // 2, _paeth(left, above[at], corner))[kind]
        made.append((value - guess) & 255)
    return bytes(made)


def _paeth(left: int, above: int, corner: int) -> int:
    guess = left + above - corner
    return min((left, above, corner), key=lambda value: abs(guess - value))
