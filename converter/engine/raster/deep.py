"""The lower bytes of 16-bit samples, and finer shadows for linear and HDR pictures.

Linear and HDR pictures are converted to sRGB's curve while all 16 bits are available.
"""

from __future__ import annotations

import sys
from bisect import bisect_left
from dataclasses import replace
from io import BytesIO

from PIL import Image, ImageFile

from . import color, octets, profiles, tone
from .codecs import Codec
from .signalling import ColorSpace

# Pillow's 16-bit raw modes end in the byte order; with the opposite order, it reads the lower bytes.
_NATIVE_OTHER = "B" if sys.byteorder == "little" else "L"
_OTHER_OCTET = {"L": "B", "B": "L", "N": _NATIVE_OTHER}
_KINDS = ("RGB;16", "RGBA;16", "RGBX;16")

_ROWS = 256


def eased(
    image: Image.Image, data: bytes, codec: Codec, space: ColorSpace
) -> tuple[Image.Image, ColorSpace] | None:
    """Return the decoded image in 8 bits with sRGB's curve; None if more bits are not needed or available.

    `data` is the source file.
    """
    if not space.icc or "transparency" in image.info or not (space.hdr or profiles.is_steep(space.icc)):
        return None
    try:
        return _eased(image, data, codec, space)
    except profiles.INVALID_CURVE:
        return None


def _eased(
    image: Image.Image, data: bytes, codec: Codec, space: ColorSpace
) -> tuple[Image.Image, ColorSpace] | None:
    icc, name = space.icc or b"", color.name_of(space)
    channels = len(image.getbands()) - (image.mode in ("LA", "RGBA"))
    curves = profiles.curves_for(icc, channels)
    if not curves:
        return None
    if image.mode.startswith("I;16") and not space.hdr:
        return image.convert("I").point(_table(curves[0]), "L"), ColorSpace(name=name, eased=True)
    low = _low_octets(image, data, codec)
    if low is None or (low.mode, low.size) != (image.mode, image.size):
        return None
    if space.hdr:
        curves = [tone.light(space.hdr, tone.brightest(image))] * channels
    tables = {curve: _table(curve) for curve in set(curves)}
    made = _joined(image, low, [tables[curve] for curve in curves])
    if space.hdr:
        return made, replace(space, eased=True)
    eased_icc = profiles.with_srgb_curves(icc) if channels > 1 else None
    return made, ColorSpace(eased_icc, name=name, eased=True)


def low_octets(held: Image.Image, shown: Image.Image, data: bytes, codec: Codec) -> Image.Image | None:
    """Return the lower bytes of the decoded image, in the mode of `shown`, which holds the higher bytes.

    None if they are not available.
    """
    low = octets.halves(held)[1] if held.mode.startswith("I") else _low_octets(held, data, codec)
    if low and low.mode + "A" == shown.mode:  # transparency is given as a colour
        low = Image.merge(shown.mode, (*low.split(), shown.getchannel("A")))
    return low if low and (low.mode, low.size) == (shown.mode, shown.size) else None


def _joined(high: Image.Image, low: Image.Image, tables: list[list[int]]) -> Image.Image:
    """Apply the tables to the 16-bit samples, in strips to save memory."""
    joined = high.copy()
    for top in range(0, high.height, _ROWS):
        box = (0, top, high.width, min(high.height, top + _ROWS))
        strip, lower = high.crop(box), low.crop(box)
        bands = list(strip.split())
        for band, table in enumerate(tables):
            deep = octets.gray(bands[band], lower.getchannel(band))
            bands[band] = deep.convert("I").point(table, "L")
        joined.paste(Image.merge(high.mode, bands), box)
    return joined


def _low_octets(held: Image.Image, data: bytes, codec: Codec) -> Image.Image | None:
    """Return the lower bytes of a 16-bit picture, of which Pillow decodes only the higher bytes."""
    if octets.LOW in held.info or not codec.has_octets:
        found: Image.Image | None = held.info.get(octets.LOW)
        return found
    image = Image.open(BytesIO(data), formats=[codec.pillow])
    assert isinstance(image, ImageFile.ImageFile)
    if held.tell():
        image.seek(held.tell())
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
    """Return the 8-bit sRGB value for each 16-bit value, by bisecting for the start of each level."""
    table: list[int] = []
    for level in range(255):
        end = bisect_left(
            range(65_536), (level + 0.5) / 255, key=lambda value: profiles.code_of_srgb(curve(value / 65_535))
        )
        table += [level] * (end - len(table))
    return table + [255] * (65_536 - len(table))
