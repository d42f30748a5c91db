"""Read and write PNG with 16 bits per channel.

Pillow only writes it in grey, and reads grey with alpha as 8 bits.
"""

from __future__ import annotations

import zlib
from io import BytesIO
from typing import Any

from PIL import Image, ImageChops

from converter.engine.raster.octets import LOW, joined

from .png_chunks import chunks, made

_COLOR_TYPES = {"L": 0, "RGB": 2, "LA": 4, "RGBA": 6}
_SUB, _UP, _AVERAGE = 1, 2, 3

# The number of rows that share a filter.
_ROWS = 16


def gray_with_alpha(data: bytes) -> Image.Image:
    """Decode 16-bit grey with alpha by reading its 4 bytes per pixel as RGBA channels."""
    header, *others = chunks(data)
    as_rgba = made(header.kind, header.data[:8] + bytes([8, _COLOR_TYPES["RGBA"]]) + header.data[10:])
    pixels = [chunk.raw for chunk in others if chunk.kind in (b"IDAT", b"IEND")]
    with Image.open(BytesIO(b"".join([data[:8], as_rgba, *pixels])), formats=["PNG"]) as image:
        gray, low_gray, alpha, low_alpha = image.split()
    found = Image.merge("LA", (gray, alpha))
    found.info[LOW] = Image.merge("LA", (low_gray, low_alpha))
    return found


def with_pixels(shell: bytes, high: Image.Image, low: Image.Image, **compression: Any) -> bytes:
    """Return the PNG `shell` with its pixels replaced by these 16-bit pixels."""
    header, *others = chunks(shell)
    size = b"".join(side.to_bytes(4, "big") for side in high.size)
    found: list[bytes | memoryview] = [
        shell[:8],
        made(header.kind, size + bytes([16, _COLOR_TYPES[high.mode]]) + bytes(3)),
    ]
    for chunk in others:
        found.append(
            made(chunk.kind, _packed(high, low, **compression)) if chunk.kind == b"IDAT" else chunk.raw
        )
    return b"".join(found)


def _packed(
    high: Image.Image, low: Image.Image, compress_level: int, compress_type: int = zlib.Z_DEFAULT_STRATEGY
) -> bytes:
    packer = zlib.compressobj(compress_level, strategy=compress_type)
    pixel = 2 * len(high.getbands())
    row = pixel * high.width
    above = bytes(row)
    packed = []
    for top in range(0, high.height, _ROWS):
        rows = min(_ROWS, high.height - top)
        box = (0, top, high.width, top + rows)
        octets = above + joined(high.crop(box).tobytes(), low.crop(box).tobytes(), "big")
        packed.append(packer.compress(_filtered(octets, row, rows, pixel)))
        above = octets[-row:]
    return b"".join([*packed, packer.flush()])


def _filtered(octets: bytes, row: int, rows: int, pixel: int) -> bytes:
    """Filter the rows after the first so that the values are smallest (PNG, third edition, 12.7)."""
    all_rows = Image.frombytes("L", (row, rows + 1), octets)
    up, here = all_rows.crop((0, 0, row, rows)), all_rows.crop((0, 1, row, rows + 1))
    left = Image.new("L", here.size)
    left.paste(here, (pixel, 0))
    tries = {
        _SUB: ImageChops.subtract_modulo(here, left),
        _UP: ImageChops.subtract_modulo(here, up),
        _AVERAGE: ImageChops.subtract_modulo(here, ImageChops.add(left, up, scale=2)),
    }
    best = min(tries, key=lambda kind: _left_over(tries[kind]))
    numbered = Image.new("L", (row + 1, rows), best)
    numbered.paste(tries[best], (1, 0))
    return numbered.tobytes()


def _left_over(differences: Image.Image) -> int:
    return sum(min(value, 256 - value) * count for value, count in enumerate(differences.histogram()))
