"""The TIFF codec."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from PIL import ExifTags, Image
from PIL.TiffImagePlugin import TiffImageFile

from converter.engine.errors import Truncated, UnsupportedFormat
from converter.engine.formats import FORMATS
from converter.engine.limits import Limits
from converter.engine.raster import color, iptc
from converter.engine.raster.signalling import PLAIN_CMYK, ColorSpace, of_exif

from . import credentials, deflate, tiff_errors
from .codec import Codec, Settings
from .content import Content
from .tiff_classic import as_classic
from .tiff_kinds import (
    iptc_of,
    is_cut_off,
    refuse_unread,
    with_known_samples,
    with_short_numbers,
    without_secondary_pages,
)
from .tiff_pixels import highest, is_floating_point, loaded
from .tiff_strips import stand_in, with_pixels
from .tiff_tags import tags_for, with_exif

_CANON_RAW = b"CR"
_DNG_VERSION = 50706
_NEW_SUBFILE_TYPE = 254
_REDUCED = 1
_CMYK = 5
_DAMAGED = "damaged"
"""The key in `Image.info` for whether the pixels are damaged."""


class Tiff(Codec):
    format = FORMATS["tiff"]
    pillow = "TIFF"
    needs = ("libtiff",)
    has_octets = True
    stores_floats = True
    reads = (
        "strips, tiles and planes; uncompressed, PackBits, LZW, Deflate, CCITT, JPEG, LZMA, Zstandard; "
        "1 to 16 and 32 bits, 16 to 64 bits in floating point; grey, RGB and CMYK, with or without alpha; "
        "palettes up to 8 bits; 8-bit Lab and YCbCr; pages; BigTIFF"
    )
    refuses = "volumes, sparse files, signed samples, Lab above 8 bits, mixed depths; JPEG 2000, JPEG XR, LERC or WebP inside"

    def set_up(self) -> None:
        deflate.LIBRARY.problem()  # a sandboxed child process cannot load it any more
        tiff_errors.LIBRARY.problem()

    def notes(self) -> list[str]:
        slower, unnoticed = deflate.LIBRARY.problem(), tiff_errors.LIBRARY.problem()
        return [
            *([f"TIFFs take longer to write than they could: {slower}."] if slower else []),
            *([f"Most damage in black and white TIFFs goes unnoticed: {unnoticed}."] if unnoticed else []),
        ]

    def recognises(self, data: bytes) -> bool:
        return super().recognises(data) and data[8:10] != _CANON_RAW

    def guard(self, data: bytes, limits: Limits) -> None:
        refuse_unread(data, limits.max_frames)
        if is_cut_off(data, limits.max_frames):
            raise Truncated

    def check(self, image: Image.Image) -> None:
        """Reject camera RAW files, which look like TIFF but would be read as their small preview."""
        exif = image.getexif()
        reduced = bool((exif.get(_NEW_SUBFILE_TYPE) or 0) & _REDUCED) and ExifTags.Base.SubIFDs in exif
        if _DNG_VERSION in exif or reduced:
            raise UnsupportedFormat(kind="raw")

    def readable(self, data: bytes) -> bytes:
        return with_known_samples(with_short_numbers(without_secondary_pages(as_classic(data))))

    def told(self, data: bytes) -> dict[str, Any]:
        found = iptc_of(data)
        return {"photoshop": {iptc.RESOURCE: found}} if found else {}

    def bits(self, data: bytes, image: Image.Image) -> int:
        stored = image.getexif().get(ExifTags.Base.BitsPerSample, 1)
        return int(max(stored) if isinstance(stored, tuple) else stored)

    def space(self, image: Image.Image, data: bytes) -> ColorSpace:
        """Return the colour space of the page's ICC profile, or else of EXIF, which shares the directory.

        The profile is read from the tag, since Pillow keeps that of the previous page.
        """
        assert isinstance(image, TiffImageFile)
        found = image.tag_v2.get(ExifTags.Base.InterColorProfile)
        if image.mode == "RGBA" and image.tag_v2.get(ExifTags.Base.PhotometricInterpretation) == _CMYK:
            profile = color.profile_of(found if isinstance(found, bytes) else None)
            return ColorSpace(name=profile.name if profile else PLAIN_CMYK, eased=True)
        return of_exif(found if isinstance(found, bytes) else None, image)

    def credentials(self, data: bytes) -> bytes:
        return credentials.in_tiff(self.readable(data))

    def highest(self, image: Image.Image, data: bytes) -> float | None:
        return highest(image, data) or 0.0 if is_floating_point(image) else None

    def load(self, image: Image.Image, data: bytes) -> Image.Image:
        assert isinstance(image, TiffImageFile)
        errors = tiff_errors.count()
        pixels = loaded(image, data)
        pixels.info[_DAMAGED] = tiff_errors.count() > errors or tiff_errors.has_hole(image.tag_v2, data)
        return pixels

    def is_damaged(self, image: Image.Image, data: bytes) -> bool:
        return bool(image.info.get(_DAMAGED))

    def settings(self, content: Content, quality: int | None) -> Settings:
        return {"compression": "group4" if content.is_bilevel else "tiff_adobe_deflate"}

    def carried(self, content: Content) -> Settings:
        """Return the encoder arguments, with all metadata as tags."""
        carried = dict(content.extras)
        exif, xmp, iptc_block = (carried.pop(name, b"") for name in ("exif", "xmp", "iptc"))
        tags = tags_for(exif, xmp, iptc_block)
        return {**carried, "tiffinfo": tags}

    def drawn(self, content: Content) -> Sequence[Image.Image]:
        return [stand_in(image) for image in content.images]

    def finished(self, data: bytes, content: Content) -> bytes:
        data = with_pixels(data, content.images, content.lows or [None] * len(content.images))
        return with_exif(data, content.extras["exif"]) if "exif" in content.extras else data


codec = Tiff()
