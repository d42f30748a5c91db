"""The BMP codec."""

from __future__ import annotations

import struct

from PIL import Image

from converter.engine.formats import FORMATS
from converter.engine.limits import Limits
from converter.engine.raster import profiles
from converter.engine.raster.signalling import SRGB, ColorSpace, made, of_icc

from .bmp_kinds import bits, common_kind, guard
from .codec import Codec, Settings
from .content import Content

_CALIBRATED, _EMBEDDED = b"\0\0\0\0", b"DEBM"
_V4, _V5 = 108, 124


class Bmp(Codec):
    format = FORMATS["bmp"]
    pillow = "BMP"
    reads = "1 to 32 bits per pixel, any bit fields, run-length encoding, OS/2 headers"
    refuses = "embedded JPEG or PNG, OS/2 Huffman compression"

    def space(self, image: Image.Image, data: bytes) -> ColorSpace:
        """Return the colour space of a version 4 or 5 header: an ICC profile, or primaries and gammas."""
        try:
            size = struct.unpack_from("<I", data, 14)[0]
            kind = data[70:74] if size in (_V4, _V5) else b""
            if size == _V5 and kind == _EMBEDDED:
                start, length = struct.unpack_from("<II", data, 14 + 112)
                return of_icc(data[14 + start : 14 + start + length], image)
            return _calibrated(data, image) if kind == _CALIBRATED else SRGB
        except struct.error:
            return SRGB

    def guard(self, data: bytes, limits: Limits) -> None:
        guard(data, limits)

    def readable(self, data: bytes) -> bytes:
        return common_kind(data)

    def bits(self, data: bytes, image: Image.Image) -> int:
        return bits(data) or super().bits(data, image)

    def carried(self, content: Content) -> Settings:
        """Write no resolution if none is known; the encoder would write 96 dpi."""
        return {"dpi": (0, 0), **content.extras}


def _calibrated(data: bytes, image: Image.Image) -> ColorSpace:
    """Return the colour space of the endpoints (CIE XYZ, 2.30 fixed-point) and gammas (16.16 fixed-point).

    Returns sRGB if they are not valid, since most programs leave them empty.
    """
    numbers = [value / 2**30 for value in struct.unpack_from("<9i", data, 74)]
    gammas = [value / 2**16 for value in struct.unpack_from("<3I", data, 110)]
    if not all(0.1 <= gamma <= 10 for gamma in gammas):
        return SRGB
    points = []
    for x, y, z in (numbers[0:3], numbers[3:6], numbers[6:9]):
        if x + y + z <= 0:
            return SRGB
        points.append((x / (x + y + z), y / (x + y + z)))
    red, green, blue = points
    curves = [(gamma,) for gamma in gammas]
    return made("calibrated RGB", (red, green, blue, profiles.D65), curves, image)


codec = Bmp()
