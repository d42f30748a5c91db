"""JPEG, and the MPO of phones and stereo cameras, of which the first picture counts."""

from __future__ import annotations

import re
from typing import Any

from PIL import Image

from converter.engine.errors import Corrupt
from converter.engine.formats import FORMATS
from converter.engine.limits import Limits
from converter.engine.raster.signalling import ColorSpace, icc_of, of_exif

from .codec import Codec, Settings
from .content import Content

# From this quality on people look closely, and half the colour resolution shows.
_FULL_COLOR = 90

_MARKER = re.compile(rb"\xff[^\x00\x01\xd0-\xd8\xff]")  # one that begins a segment, and the end
_END, _SCAN = 0xD9, 0xDA
_MOST_SEGMENTS = 10_000
_MOST_SCANS = 500  # encoders make ten or so; the longest script that is of any use has a few hundred

_UNITS = (1, 2)  # an inch, a centimetre


class Jpeg(Codec):
    format = FORMATS["jpeg"]
    pillow = "JPEG"
    needs = ("jpg", "libjpeg_turbo")
    reads = "baseline and progressive; grey, RGB and CMYK; of an MPO the first picture"

    def guard(self, data: bytes, limits: Limits) -> None:
        """Each scan makes a decoder go over the whole picture; a small file may hold ten thousand.

        Counted up to the end of the first picture: what follows (a film, another picture) is nobody's scan.
        """
        at, scans = 2, 0
        for _ in range(_MOST_SEGMENTS):
            marker = _MARKER.search(data, at)
            if marker is None or marker[0][1] == _END:
                return
            at = marker.end()
            scans += marker[0][1] == _SCAN
            if scans > _MOST_SCANS:
                break
            at += int.from_bytes(data[at : at + 2], "big")
        raise Corrupt

    def space(self, image: Image.Image, data: bytes) -> ColorSpace:
        return of_exif(icc_of(image), image)

    def dpi(self, image: Image.Image) -> Any:
        # Where JFIF gives no unit, Pillow makes up 72 of an EXIF block that is silent too.
        return super().dpi(image) if image.info.get("jfif_unit") in _UNITS else None

    def settings(self, content: Content, quality: int | None) -> Settings:
        # A bound on bytes buys more with quality than with colour resolution.
        full = quality is not None and quality >= _FULL_COLOR and content.recipe.target_bytes is None
        return {
            "quality": quality,
            "optimize": True,
            "progressive": content.recipe.progressive,
            "subsampling": "4:4:4" if full else "4:2:0",
        }


codec = Jpeg()
