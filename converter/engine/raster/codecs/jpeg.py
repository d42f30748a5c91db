"""JPEG, and the MPO of phones and stereo cameras, of which the first picture counts."""

from __future__ import annotations

from typing import Any

from PIL import Image

from converter.engine.errors import Corrupt, UnsupportedVariant
from converter.engine.formats import FORMATS
from converter.engine.limits import Limits
from converter.engine.raster.signalling import ColorSpace, icc_of, of_exif

from .codec import Codec, Settings
from .content import Content
from .jpeg_segments import START_OF_SCAN, is_frame, segments

# From this quality on people look closely, and half the colour resolution shows.
_FULL_COLOR = 90

_MOST_SEGMENTS = 10_000
_MOST_SCANS = 500  # encoders make ten or so; the longest script that is of any use has a few hundred

_JPEG_LS, _LOSSLESS_ARITHMETIC = 0xF7, 0xCB
_HIERARCHICAL = (0xC5, 0xC6, 0xC7, 0xCD, 0xCE, 0xCF)

_UNITS = (1, 2)  # an inch, a centimetre


class Jpeg(Codec):
    format = FORMATS["jpeg"]
    pillow = "JPEG"
    needs = ("jpg", "libjpeg_turbo")
    reads = "baseline and progressive; grey, RGB and CMYK; of an MPO the first picture"

    def guard(self, data: bytes, limits: Limits) -> None:
        """Refuse kinds of coding that libjpeg does not read, and thousands of scans.

        Each scan makes a decoder go over the whole picture, and a small file may hold ten thousand. They are counted
        up to the end of the first picture: what follows (a film, another picture) is nobody's scan.
        """
        scans = 0
        for number, segment in enumerate(segments(data)):
            scans += segment.marker == START_OF_SCAN
            if number > _MOST_SEGMENTS or scans > _MOST_SCANS:
                raise Corrupt
            if is_frame(segment.marker) and segment.end > segment.start:
                self._refuse_unread(segment.marker, data[segment.start])

    def _refuse_unread(self, marker: int, bits: int) -> None:
        """Judge by the frame header (T.81, B.2.2)."""
        label = self.format.label
        if marker == _JPEG_LS:
            raise UnsupportedVariant(kind="jpeg_ls", format=label)
        if marker in _HIERARCHICAL:
            raise UnsupportedVariant(kind="hierarchical", format=label)
        if marker == _LOSSLESS_ARITHMETIC:
            raise UnsupportedVariant(kind="compression", format=label, compression="lossless arithmetic")
        if bits != 8:
            raise UnsupportedVariant(kind="samples", format=label, bits=bits)

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
