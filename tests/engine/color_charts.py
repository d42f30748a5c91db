"""Pictures with known colours, and the expected results.

Unless stated otherwise, the expected values are from Chromium's canvas in sRGB (version 156).
"""

from __future__ import annotations

import struct
import zlib
from typing import Any

from PIL import Image

from converter.engine.report import Result
from tests.engine.rendering import render

from . import samples
from .samples import chunk, is_near, opened, saved

# A row of greys, then one pixel per colour.
GREYS = [0, 1, 4, 16, 32, 64, 96, 128, 160, 192, 224, 255]


COLORS = [(200, 40, 30), (30, 200, 40), (40, 30, 200), (200, 180, 60), (224, 172, 140)]


# The expected values of those greys.
UNCHANGED = GREYS


LINEAR = [0, 13, 34, 71, 99, 137, 165, 188, 208, 225, 241, 255]


GAMMA_2_2 = [0, 0, 0, 7, 26, 62, 96, 129, 161, 193, 225, 255]


# The expected colours where only the primaries differ from sRGB's.
DISPLAY_P3 = [(218, 0, 4), (0, 204, 0), (42, 30, 208), (204, 179, 8), (234, 169, 135)]


BT_2020 = [(249, 0, 6), (0, 211, 0), (0, 21, 210), (216, 178, 0), (252, 164, 134)]


IN_LINEAR = [(229, 110, 96), (96, 229, 110), (110, 96, 229), (229, 219, 133), (241, 214, 196)]


P3_GAMMA_2_2 = [(220, 0, 0), (0, 205, 0), (37, 23, 210), (205, 181, 0), (234, 171, 136)]


P3_POINTS = (31270, 32900, 68000, 32000, 26500, 69000, 15000, 6000)


def chart(mode: str = "RGB") -> Image.Image:
    image = Image.new("RGB", (12, 2))
    for at, level in enumerate(GREYS):
        image.putpixel((at, 0), (level,) * 3)
    for at, color in enumerate(COLORS):
        image.putpixel((at, 1), color)
    return image.convert(mode)


def assert_chart(
    image: Image.Image,
    greys: list[int] = UNCHANGED,
    colors: list[tuple[int, int, int]] | None = COLORS,
    distance: int = 1,
) -> None:
    image = image.convert("RGB")
    found = [image.getpixel((at, 0)) for at in range(len(GREYS))]
    for pixel, level in zip(found, greys, strict=True):
        assert is_near(pixel, (level,) * 3, distance), f"{found}, not {greys}"
    found = [image.getpixel((at, 1)) for at in range(len(COLORS))]
    for pixel, color in zip(found, colors or found, strict=True):
        assert is_near(pixel, color, distance), f"{found}, not {colors}"


def png(*chunks: tuple[bytes, bytes], image: Image.Image | None = None) -> bytes:
    """Return the chart with these chunks before its pixels."""
    data = saved(image or chart(), "PNG")
    return data[:33] + b"".join(chunk(*one) for one in chunks) + data[33:]


def cicp(primaries: int, transfer: int, matrix: int = 0, full: int = 1) -> tuple[bytes, bytes]:
    return b"cICP", bytes([primaries, transfer, matrix, full])


def gamma(value: int) -> tuple[bytes, bytes]:
    return b"gAMA", struct.pack(">I", value)


def points(values: Any) -> Any:
    return b"cHRM", struct.pack(">8I", *values)


def embedded(icc: bytes) -> tuple[bytes, bytes]:
    return b"iCCP", b"profile\0\0" + zlib.compress(icc)


LINEAR_SRGB = samples.rgb_profile("sRGB", curve=(1.0,))


def tiled_chart() -> Image.Image:
    """Return the chart enlarged, for encoders that work in blocks."""
    return chart().resize((12 * 16, 2 * 32), Image.Resampling.NEAREST)


def small(image: Image.Image) -> Image.Image:
    return image.convert("RGB").reduce(1).resize((12, 2), Image.Resampling.NEAREST)


def avif(primaries: int, transfer: int, **arguments: Any) -> bytes:
    data = bytearray(saved(tiled_chart(), "AVIF", quality=100, subsampling="4:4:4", speed=9, **arguments))
    at = data.index(b"colrnclx") + 8
    struct.pack_into(">HH", data, at, primaries, transfer)
    return bytes(data)


def at_once(data: bytes, **recipe: Any) -> tuple[Result, Image.Image]:
    result = render(data, **recipe)
    return result, opened(result)
