"""The JPEG 2000 codec, for JP2 and JPX files and bare codestreams."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Any

from PIL import Image

from converter.engine.errors import Truncated, UnsupportedVariant
from converter.engine.formats import FORMATS
from converter.engine.limits import Limits
from converter.engine.raster.octets import gray
from converter.engine.raster.signalling import SRGB, ColorSpace, of_icc, of_nclx

from . import openjpeg
from .boxes import box, boxes, check
from .codec import Codec, Settings
from .content import Content
from .jp2_pixels import (
    components_of,
    enumerated,
    has_odd_palette,
    is_oddly_sampled,
    is_ycc,
    loaded,
)

_TILE_PART = b"\xff\x90"
_END = b"\xff\xd9"
_MOST_BITS = 16
_CIE_LAB = 14
_FEW_PIXELS, _FEW_COLORS = 1024, 2
# The IDs of `uuid` boxes: Adobe's for XMP, those of Photoshop and exiftool for EXIF and IPTC, and GeoJP2's.
_XMP = bytes.fromhex("be7acfcb97a942e89c71999491e3afac")
_EXIF = b"JpgTiffExif->JP2"
_UNREAD = {
    bytes.fromhex("33c7a4d2b81d4723a0baf1a3e097ad38"): "iptc",
    bytes.fromhex("2c4c0100850440b9a03e562148d6dfeb"): "iptc",
    bytes.fromhex("b14bf8bd083d4b43a5ae8cd7d5a6ce03"): "location",
}
_EXIF_OF_JPEG = b"Exif\x00\x00"


class Jp2(Codec):
    format = FORMATS["jp2"]
    pillow = "JPEG2000"
    needs = ("jpg_2000",)
    reads = "JP2 files and raw codestreams, up to 4 channels of up to 16 bits"
    refuses = "more bits or channels, YCbCr above 8 bits, subsampled grey"

    def set_up(self) -> None:
        openjpeg.LIBRARY.problem()  # a sandboxed child process cannot load it any more

    def notes(self) -> list[str]:
        problem = openjpeg.LIBRARY.problem()
        return [f"JPEG 2000 in colour is read in 8 bits per channel: {problem}."] if problem else []

    def guard(self, data: bytes, limits: Limits) -> None:
        """Reject truncated files, whose missing parts some decoders fill with grey, and unsupported ones."""
        start, end = 0, len(data)
        if data[4:8] == b"jP  ":
            check(data, (b"jp2c",))
            start, end = box(data, b"jp2c") or (0, 0)
        if not _is_whole(data, start, end):
            raise Truncated
        self._refuse_unread(data)

    def readable(self, data: bytes) -> bytes:
        """Return the file without what follows the codestream, in which the decoder might find another file."""
        codestream = box(data, b"jp2c") if data[4:8] == b"jP  " else None
        return data[: codestream[1]] if codestream else data

    def _refuse_unread(self, data: bytes) -> None:
        """Raise UnsupportedVariant for variants that would be decoded incorrectly."""
        label, components = self.format.label, components_of(data)
        deepest = max((component.bits for component in components), default=0)
        if len(components) > 4:
            raise UnsupportedVariant(kind="many_channels", format=label, channels=len(components))
        if deepest > _MOST_BITS:
            raise UnsupportedVariant(kind="samples", format=label, bits=deepest)
        if is_oddly_sampled(components):
            raise UnsupportedVariant(kind="subsampled", format=label)
        if has_odd_palette(data, components):
            raise UnsupportedVariant(kind="palette", format=label)
        if enumerated(data) == _CIE_LAB:
            raise UnsupportedVariant(kind="colors", format=label, bits=deepest, space="Lab")
        if deepest > 8 and len(components) > 1 and is_ycc(data, components):
            raise UnsupportedVariant(kind="colors", format=label, bits=deepest, space="YCbCr")

    def bits(self, data: bytes, image: Image.Image) -> int:
        components = components_of(data)
        return components[0].bits if components else super().bits(data, image)

    def space(self, image: Image.Image, data: bytes) -> ColorSpace:
        """Return the colour space of the first `colr` box (ISO/IEC 15444-1, I.5.3.3).

        Methods 2 and 3 contain a profile, and method 5 contains code points.
        """
        header = box(data, b"jp2h")
        told = box(data, b"colr", *header) if header else None
        content = data[slice(*told)] if told else b""
        if content[:1] in (b"\x02", b"\x03"):
            return of_icc(content[3:], image)
        if content[:1] == b"\x05" and len(content) >= 7:
            primaries, transfer = struct.unpack_from(">HH", content, 3)
            return of_nclx(primaries, transfer, image)
        return SRGB

    def orientation(self, image: Image.Image, data: bytes) -> int:
        """Return 1, because JPEG 2000 decoders ignore the EXIF orientation."""
        return 1

    def told(self, data: bytes) -> dict[str, Any]:
        exif = _named(data, _EXIF)
        return {"exif": _EXIF_OF_JPEG + exif.removeprefix(_EXIF_OF_JPEG)} if exif else {}

    def xmp(self, image: Image.Image, data: bytes) -> bytes | None:
        return _named(data, _XMP)

    def unread(self, data: bytes) -> Sequence[str]:
        names = {kind for name, kind in _UNREAD.items() if _named(data, name)}
        return sorted(names)

    def carried(self, content: Content) -> Settings:
        """Leave out EXIF and XMP, which `finished` adds after encoding."""
        return {name: value for name, value in content.extras.items() if name not in ("exif", "xmp")}

    def finished(self, data: bytes, content: Content) -> bytes:
        """Append EXIF and XMP in boxes, which may follow the codestream."""
        exif = content.extras.get("exif", b"").removeprefix(_EXIF_OF_JPEG)
        return data + _box(_EXIF, exif) + _box(_XMP, content.extras.get("xmp", b""))

    def load(self, image: Image.Image, data: bytes) -> Image.Image:
        return loaded(image, data)

    def drawn(self, content: Content) -> Sequence[Image.Image]:
        pairs = zip(content.images, content.lows, strict=True)
        return (
            [gray(image, low) if low else image for image, low in pairs]
            if content.is_deep
            else content.images
        )

    def settings(self, content: Content, quality: int | None) -> Settings:
        plain = content.recipe.target_bytes is None and all(map(_is_plain, content.images))
        if quality is None or plain:
            return {"irreversible": False}
        # The encoder takes a signal-to-noise ratio. On fur and grass, 36 dB has SSIM 0.965, like WebP at 80.
        return {"irreversible": True, "quality_mode": "dB", "quality_layers": [round(20 + quality * 0.2, 1)]}


def _is_plain(image: Image.Image) -> bool:
    """Return whether the image has so little content that OpenJPEG misses the quality and drops channels."""
    return image.width * image.height <= _FEW_PIXELS or image.getcolors(_FEW_COLORS) is not None


def _named(data: bytes, name: bytes) -> bytes:
    """Return the content of the first box with this UUID, or empty bytes."""
    for kind, start, end in boxes(data) if data[4:8] == b"jP  " else ():
        if kind == b"uuid" and data.startswith(name, start):
            return data[start + len(name) : end]
    return b""


def _box(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I4s", 8 + len(name) + len(content), b"uuid") + name + content if content else b""


def _is_whole(data: bytes, start: int, end: int) -> bool:
    """Return whether the codestream has all tile-parts and its end marker (ISO/IEC 15444-1, A.4)."""
    at = start + 2
    try:
        while data[at : at + 2] not in (_TILE_PART, _END):
            at += 2 + struct.unpack_from(">H", data, at + 2)[0]
        while data[at : at + 2] == _TILE_PART:
            size = struct.unpack_from(">I", data, at + 6)[0]
            if size == 0:  # the last tile-part, of unspecified length
                return _END in data[max(at, end - 64) : end]
            at += max(size, 2)
    except struct.error:
        return False
    return data[at : at + 2] == _END or _END in data[max(start, end - 64) : end]


codec = Jp2()
