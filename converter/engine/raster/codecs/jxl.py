"""The JPEG XL codec, with libjxl."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from functools import cache
from importlib.machinery import PathFinder
from importlib.util import find_spec, module_from_spec
from io import BytesIO
from types import ModuleType
from typing import Any

import numpy as np
from PIL import Image, ImageFile

from converter.engine.errors import Corrupt, Truncated, UnsupportedVariant
from converter.engine.formats import FORMATS, Format
from converter.engine.limits import Limits
from converter.engine.raster.octets import LOW, joined, parted
from converter.engine.raster.pixels import interleaved

from . import brotli, credentials, jpeg_segments
from .boxes import boxes, has_many
from .codec import Codec, Settings
from .content import Content
from .jpeg_xmp import whole_packet
from .jxl_boxes import unread_metadata, with_last_metadata, without_metadata, without_tail
from .jxl_header import header, jpeg_markers

_SPEEDS = ("Lightning", "Thunder", "Falcon", "Cheetah", "Hare", "Wombat", "Squirrel", "Kitten", "Tortoise")
_FARTHEST = 15.0
"""The largest distance that the binding accepts."""

_CONTAINER = b"\x00\x00\x00\x0cJXL \r\n\x87\n\x00\x00\x00\x14ftypjxl \x00\x00\x00\x00jxl "
_SIGNATURE = _CONTAINER[:12]
_EXIF = b"Exif\x00\x00"
_MODES = {(1, False): "L", (1, True): "LA", (3, False): "RGB", (3, True): "RGBA"}
_PHOTOSHOP, _COMMENT = 0xED, 0xFE
_EXTENDED = b"HasExtendedXMP"
_TEST = bytes(range(0, 240, 5)) * 16


class Jxl(Codec):
    format = FORMATS["jxl"]
    pillow = "JXL"
    usual_qualities = ((51, 25), (60, 41), (70, 63), (78.5, 80), (81.2, 84), (83, 85), (92, 95))
    reads = "lossy and lossless, up to 16 bits per channel, floating point"
    refuses = "animations, CMYK"

    def set_up(self) -> None:
        _libjxl().set_num_threads(1)  # its threads would not survive a fork
        Image.register_open(self.pillow, _JxlImage, self.recognises)
        brotli.LIBRARY.problem()  # a sandboxed child process cannot load it any more

    def notes(self) -> list[str]:
        problem = brotli.LIBRARY.problem()
        return [f"Compressed metadata of JPEG XL is read whatever its size: {problem}."] if problem else []

    def problems(self) -> list[str]:
        """Test a lossless round trip, since a build for another processor silently returns other pixels."""
        libjxl = _libjxl()
        libjxl.set_num_threads(1)
        data = libjxl.encode(_TEST, 16, 16, num_channels=3, lossless=True)
        return [] if libjxl.decode(data)[1] == _TEST else ["libjxl changes pixels on this processor."]

    def guard(self, data: bytes, limits: Limits) -> None:
        if data.startswith(_SIGNATURE) and has_many(data):
            raise UnsupportedVariant(kind="many_parts", format=self.format.label)
        if header(data).is_animation:
            raise UnsupportedVariant(kind="animation", format=self.format.label)

    def header(self, data: bytes) -> bytes:
        return with_last_metadata(without_tail(data)) if data.startswith(_SIGNATURE) else data

    def readable(self, data: bytes) -> bytes:
        """Return the file without metadata, which libjxl would decompress again with the pixels."""
        return without_metadata(without_tail(data)) if data.startswith(_SIGNATURE) else data

    def check(self, image: Image.Image) -> None:
        if image.info.get("icc_profile", b"")[16:20] == b"CMYK":
            raise UnsupportedVariant(kind="cmyk", format=self.format.label)

    def bits(self, data: bytes, image: Image.Image) -> int:
        assert isinstance(image, _JxlImage)
        return image.bits

    def orientation(self, image: Image.Image, data: bytes) -> int:
        return header(data).orientation

    def told(self, data: bytes) -> dict[str, Any]:
        """Return IPTC and comments of the original JPEG, stored only in its reconstruction data."""
        if jpeg_markers(data).isdisjoint((_PHOTOSHOP, _COMMENT)):
            return {}
        jpeg = jpeg_inside(data)
        if jpeg is None:
            return {}
        with Image.open(BytesIO(jpeg), formats=["JPEG"]) as image:
            return {name: image.info[name] for name in ("photoshop", "comment") if name in image.info}

    def xmp(self, image: Image.Image, data: bytes) -> bytes | None:
        """Return the XMP packet. The extension of a long one is only in the JPEG reconstruction data."""
        xmp = super().xmp(image, data) or b""
        return whole_packet(jpeg_inside(data) or b"", xmp) if _EXTENDED in xmp else xmp

    def unread(self, data: bytes) -> Sequence[str]:
        return unread_metadata(data) if data.startswith(_SIGNATURE) else ()

    def repacked(self, data: bytes, source: Format, strip: bool = False) -> bytes | None:
        """Recompress a JPEG losslessly, or return None if the identical JPEG cannot be restored."""
        if source.name != "jpeg":
            return None
        jpeg = jpeg_segments.without_metadata(data) if strip else data
        try:
            packed: bytes = _libjxl().jpeg_to_jxl(jpeg)
        except RuntimeError:  # CMYK, arithmetic coding and other variants that JPEG XL does not support
            return None
        return packed if jpeg_inside(packed) == jpeg else None

    def jpeg_inside(self, data: bytes) -> bytes | None:
        return jpeg_inside(data)

    def credentials(self, data: bytes) -> bytes:
        return credentials.in_boxes(data)

    def settings(self, content: Content, quality: int | None) -> Settings:
        if quality is None:
            return {"lossless": True, "effort": content.effort}
        return {"distance": _distance(quality), "effort": content.effort}

    def encode(self, content: Content, quality: int | None) -> bytes:
        libjxl, extras = _libjxl(), content.extras
        options = {
            "lossless": quality is None,
            "quality": 1.0 if quality is None else _distance(quality),
            "speed": getattr(libjxl.EncoderSpeed, _SPEEDS[content.effort - 1]),
            "icc": extras.get("icc_profile"),
        }
        image, low = content.images[0], content.lows[0] if content.lows else None
        size, channels, pixels = image.size, len(image.getbands()), interleaved(image)
        if low:
            samples = np.frombuffer(joined(pixels, low.tobytes()), np.uint16)
            stream = libjxl.encode_from_numpy(samples.reshape(size[1], size[0], channels), **options)
        else:
            if content.expendable:
                image.close()
            stream = libjxl.encode(pixels, *size, num_channels=channels, **options)
        return _with_metadata(stream, extras.get("exif"), extras.get("xmp"))


def jpeg_inside(data: bytes) -> bytes | None:
    """Return the original JPEG byte for byte, or None if the file was made from pixels or has too large metadata."""
    if data.startswith(_SIGNATURE) and unread_metadata(data):
        return None
    try:
        jpeg: bytes = _libjxl().jxl_to_jpeg(data)
    except RuntimeError:
        return None
    return jpeg


class _JxlImage(ImageFile.ImageFile):
    format = "JXL"
    format_description = "JPEG XL"

    def _open(self) -> None:
        assert self.fp is not None
        self._data = self.fp.read()
        told = _libjxl().probe(self._data)
        self.bits: int = told.bits_per_sample
        self._size = told.width, told.height
        self._mode = _MODES[told.num_color_channels, told.has_alpha]
        self.info.update(_metadata(told))

    def load(self) -> Any:
        if self._data:
            pixels = self._decoded()
            self._data = b""
            if self._is_deep:
                high, self.info[LOW] = parted(pixels, self.mode, self.size)
                pixels = high.tobytes()
            self.fp = BytesIO(pixels)
            self.tile = [ImageFile._Tile("raw", (0, 0, *self.size), 0, self.mode)]
        return super().load()

    @property
    def _is_deep(self) -> bool:
        return self.bits > 8

    def _decoded(self) -> bytes:
        """Return the decoded pixels. Raises Corrupt and Truncated."""
        try:
            _, pixels = _libjxl().decode(self._data, dtype="uint16" if self._is_deep else "uint8")
        except RuntimeError as exc:
            raise (Truncated if "Incomplete" in str(exc) else Corrupt) from exc
        assert isinstance(pixels, bytes)
        return pixels


@cache
def _libjxl() -> ModuleType:
    """Import only the extension module, because its package loads much that is not needed."""
    package = find_spec("pyjpegxl")
    assert package is not None
    assert package.submodule_search_locations is not None
    spec = PathFinder.find_spec("_pyjpegxl", list(package.submodule_search_locations))
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _metadata(told: Any) -> dict[str, Any]:
    found = {"icc_profile": told.icc, "xmp": told.xmp}
    if told.exif and len(told.exif) > 4:
        # The data begins with the offset of the TIFF header (ISO/IEC 18181-2, 9.5).
        start = 4 + struct.unpack_from(">I", told.exif)[0]
        found["exif"] = _EXIF + told.exif[start:]
    return {name: value for name, value in found.items() if value}


def _distance(quality: int) -> float:
    """Return the Butteraugli distance, on libjxl's own scale down to quality 30."""
    if quality >= 30:
        return round(0.1 + (100 - quality) * 0.09, 2)
    return round(6.4 + (30 - quality) * (_FARTHEST - 6.4) / 29, 2)


def _with_metadata(stream: bytes, exif: bytes | None, xmp: bytes | None) -> bytes:
    """Return a bare codestream, or a container with metadata, uncompressed so that all tools can read it."""
    if not exif and not xmp:
        return stream
    told = _box(b"Exif", bytes(4) + exif.removeprefix(_EXIF)) if exif else b""
    told += _box(b"xml ", xmp) if xmp else b""
    if not stream.startswith(_CONTAINER):
        return _CONTAINER + told + _box(b"jxlc", stream)
    # libjxl writes a container itself if deep pixels need a higher decoder level (ISO/IEC 18181-2, 9.3).
    at = next((end for kind, _, end in boxes(stream) if kind == b"jxll"), len(_CONTAINER))
    return stream[:at] + told + stream[at:]


def _box(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I4s", 8 + len(content), kind) + content


codec = Jxl()
