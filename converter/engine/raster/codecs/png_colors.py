"""Read the colour space of a PNG from its chunks."""

from __future__ import annotations

import struct

from PIL import Image

from converter.engine.raster.cicp import Cicp
from converter.engine.raster.profiles import SRGB_PRIMARIES, Primaries
from converter.engine.raster.signalling import SRGB, ColorSpace, icc_of, made, of_cicp, of_icc

from .png_chunks import chunks

_FULL_RANGE_RGB = b"\x00\x01"  # others are for video and not supported by browsers

_UNSPECIFIED = 2

# A gamma this close to that of screens counts as equal, as in libpng.
_SCREEN_GAMMA, _INSIGNIFICANT = 2.2, 0.05


def space_of(image: Image.Image, data: bytes) -> ColorSpace:
    """Return the colour space by cICP, iCCP, sRGB, then gAMA and cHRM (PNG, third edition, 4.3)."""
    said, icc = _colors_in(data), icc_of(image)
    codes = said.get(b"cICP", b"")
    if len(codes) == 4 and codes[2:] == _FULL_RANGE_RGB:
        told = Cicp(codes[0], codes[1])
        if told.is_known and _UNSPECIFIED not in codes[:2]:
            return of_cicp(told, image)
    if icc:
        return of_icc(icc, image)
    if b"sRGB" in said or len(said.get(b"gAMA", b"")) != 4:
        return SRGB
    return _of_gamma(int.from_bytes(said[b"gAMA"], "big") / 100_000, _primaries(said), image)


def _of_gamma(encoding: float, primaries: Primaries | None, image: Image.Image) -> ColorSpace:
    """Return the colour space by gAMA and cHRM. As in browsers, a gamma of about 1/2.2 alone means sRGB."""
    if not 0.01 <= encoding <= 10:
        return SRGB
    if primaries is None and abs(encoding * _SCREEN_GAMMA - 1) < _INSIGNIFICANT:
        return SRGB
    name = "linear light" if encoding == 1 else f"gamma {round(1 / encoding, 2):g}"
    return made(name, primaries or SRGB_PRIMARIES, [(1 / encoding,)] * 3, image)


def _colors_in(data: bytes) -> dict[bytes, bytes]:
    """Return the data of the colour chunks, which come before the pixels, by chunk type."""
    found: dict[bytes, bytes] = {}
    for chunk in chunks(data):
        if chunk.kind in (b"IDAT", b"IEND"):
            break
        if chunk.kind in (b"cICP", b"sRGB", b"gAMA", b"cHRM") and chunk.is_usable:
            found.setdefault(chunk.kind, chunk.data)
    return found


def _primaries(said: dict[bytes, bytes]) -> Primaries | None:
    try:
        values = [value / 100_000 for value in struct.unpack(">8I", said[b"cHRM"])]
    except (KeyError, struct.error):
        return None
    white, red, green, blue = zip(values[::2], values[1::2], strict=True)
    if not all(values[1::2]):
        return None
    return red, green, blue, white
