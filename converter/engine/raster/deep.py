"""Pictures of 16 bits that eight cannot hold, linear ones and HDR: they get sRGB's curve while all bits are there."""

from __future__ import annotations

import sys
from bisect import bisect_left
from dataclasses import replace
from io import BytesIO

from PIL import Image, ImageFile

from . import color, profiles, tone
from .signalling import ColorSpace

# What Pillow calls 16-bit samples, and what it would have to call them to take the lower octet for the higher.
_NATIVE_OTHER = "B" if sys.byteorder == "little" else "L"
_OTHER_OCTET = {"L": "B", "B": "L", "N": _NATIVE_OTHER}
_KINDS = ("RGB;16", "RGBA;16", "RGBX;16")

_ROWS = 256


def eased(
    image: Image.Image, data: bytes, decoder: str, space: ColorSpace
) -> tuple[Image.Image, ColorSpace] | None:
    """Return the decoded image in eight bits with sRGB's curve; None where eight bits do as well, or are all there are.

    `data` is the file that it came from, and `decoder` what Pillow calls its format.
    """
    if not space.icc or "transparency" in image.info or not (space.hdr or profiles.is_steep(space.icc)):
        return None
    curves, name = profiles.curves(space.icc), color.name_of(space)
    if image.mode.startswith("I;16") and len(curves) == 1 and not space.hdr:
        return image.convert("I").point(_table(curves[0]), "L"), ColorSpace(name=name, eased=True)
    low = _low_octets(data, decoder, image.tell())
    if low is None or (low.mode, low.size) != (image.mode, image.size) or len(curves) != 3:
        return None
    if space.hdr:
        seen = _table(tone.light(space.hdr, tone.brightest(image)))
        return _joined(image, low, [seen] * 3), replace(space, eased=True)
    icc = profiles.with_srgb_curves(space.icc)
    return _joined(image, low, [_table(curve) for curve in curves]), ColorSpace(icc, name=name, eased=True)


def _joined(high: Image.Image, low: Image.Image, tables: list[list[int]]) -> Image.Image:
    """Return what the tables make of 16 bits, in strips, as whole pictures of them would take much memory."""
    joined = high.copy()
    for top in range(0, high.height, _ROWS):
        box = (0, top, high.width, min(high.height, top + _ROWS))
        strip, lower = high.crop(box), low.crop(box)
        bands = list(strip.split())
        for band, table in enumerate(tables):
            octets = Image.merge("LA", (lower.getchannel(band), bands[band])).tobytes()
            bands[band] = Image.frombytes("I;16", strip.size, octets).convert("I").point(table, "L")
        joined.paste(Image.merge(high.mode, bands), box)
    return joined


def _low_octets(data: bytes, decoder: str, page: int) -> Image.Image | None:
    """Return the picture of the lower octets of 16 bits."""
    image = Image.open(BytesIO(data), formats=[decoder])
    assert isinstance(image, ImageFile.ImageFile)
    if page:
        image.seek(page)
    image.info.pop("xmp", None)  # as in decode.py
    tiles = []
    for tile in image.tile:
        kind, *others = (tile.args,) if isinstance(tile.args, str) else tile.args or (None,)
        if not isinstance(kind, str) or kind[:-1] not in _KINDS:
            return None
        kind = kind[:-1] + _OTHER_OCTET[kind[-1]]
        tiles.append(tile._replace(args=(kind, *others) if others else kind))
    image.tile = tiles
    image.load()
    return image


def _table(curve: profiles.Light) -> list[int]:
    """Return sRGB's eight bits for each of 65,536 values, found by where the next one begins."""
    table: list[int] = []
    for level in range(255):
        end = bisect_left(
            range(65_536), (level + 0.5) / 255, key=lambda value: profiles.code_of_srgb(curve(value / 65_535))
        )
        table += [level] * (end - len(table))
    return table + [255] * (65_536 - len(table))
