"""Decode still AVIF images at full bit depth, of which Pillow reads only 8 bits.

Calls the libavif that Pillow is linked with through `ctypes`, and tests it before use. If that fails,
Pillow's 8 bits are used. Its structures only grow at their ends (avif.h: "Version 1.0.0 ends here").
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager
from ctypes import POINTER, Structure, byref, c_char_p, c_int, c_size_t, c_uint32, c_void_p
from io import BytesIO
from typing import Any

from PIL import Image

from converter.engine.raster.octets import Halves, parted
from converter.engine.raster.room import check_room

from .optional import OptionalLibrary, Unfit, linked_with

_CLAP_AND_PIXI = 0b011
"""The strict checks that Pillow turns off, too."""
_DEPTH = 16
_FORMATS = {"RGB": 0, "RGBA": 1}
_ROOM = 6
"""Bytes per sample while decoding: at most 5.8 measured."""


class _Image(Structure):
    """The beginning of avifImage."""

    _fields_ = [
        *((name, c_uint32) for name in ("width", "height", "depth")),
        *((name, c_int) for name in ("format", "range", "position")),
        ("planes", c_void_p * 3),
        ("row_bytes", c_uint32 * 3),
        ("owns_planes", c_int),
        ("alpha", c_void_p),
    ]


class _Decoder(Structure):
    """The beginning of avifDecoder."""

    _fields_ = [
        *((name, c_int) for name in ("codec", "threads", "source", "progressive", "incremental")),
        *((name, c_int) for name in ("ignore_exif", "ignore_xmp")),
        *((name, c_uint32) for name in ("most_pixels", "longest_side", "most_images", "strict")),
        ("image", POINTER(_Image)),
    ]


class _Pixels(Structure):
    """avifRGBImage, with room for later fields."""

    _fields_ = [
        *((name, c_uint32) for name in ("width", "height", "depth")),
        *((name, c_int) for name in ("format", "upsampling", "downsampling", "avoid_libyuv")),
        *((name, c_int) for name in ("ignore_alpha", "premultiplied", "is_float", "threads")),
        ("samples", c_void_p),
        ("row_bytes", c_uint32),
        ("later", c_uint32 * 16),
    ]


def halves(data: bytes) -> Halves | None:
    """Return the higher and lower bytes of the samples, as RGB or RGBA and before any rotation.

    Returns None if libavif cannot decode them or if there is not enough memory.
    """
    try:
        return LIBRARY.get().decode(data)
    except (Unfit, MemoryError):
        return None


class _LibAvif:
    def __init__(self, library: ctypes.CDLL) -> None:
        self._functions = library
        library.avifDecoderCreate.restype = POINTER(_Decoder)
        library.avifDecoderSetIOMemory.argtypes = [c_void_p, c_char_p, c_size_t]
        for name in ("avifDecoderDestroy", "avifDecoderParse"):
            getattr(library, name).argtypes = [c_void_p]
        library.avifDecoderNthImage.argtypes = [c_void_p, c_uint32]

    def decode(self, data: bytes) -> Halves:
        """Raises Unfit and MemoryError."""
        calls = self._functions
        with self._opened(data) as image:
            size = (image.contents.width, image.contents.height)
            mode = "RGBA" if image.contents.alpha else "RGB"
            check_room(_ROOM * size[0] * size[1] * len(mode))
            pixels = _Pixels()
            calls.avifRGBImageSetDefaults(byref(pixels), image)
            pixels.depth, pixels.format, pixels.row_bytes = _DEPTH, _FORMATS[mode], 2 * len(mode) * size[0]
            samples = bytearray(pixels.row_bytes * size[1])
            pixels.samples = ctypes.addressof(ctypes.c_char.from_buffer(samples))
            if calls.avifImageYUVToRGB(image, byref(pixels)):
                raise Unfit("libavif cannot convert the image")
        return parted(samples, mode, size)

    @contextmanager
    def _opened(self, data: bytes) -> Iterator[Any]:
        """Yield the decoded image, which is only valid within the context."""
        calls = self._functions
        decoder = calls.avifDecoderCreate()
        if not decoder:
            raise MemoryError
        try:
            told = decoder.contents
            told.ignore_exif, told.ignore_xmp = True, True
            told.strict &= ~_CLAP_AND_PIXI
            failed = (
                calls.avifDecoderSetIOMemory(decoder, data, len(data))
                or calls.avifDecoderParse(decoder)
                or calls.avifDecoderNthImage(decoder, 0)
            )
            if failed:
                raise Unfit("libavif refused the file")
            yield told.image
        finally:
            calls.avifDecoderDestroy(decoder)


def _tried() -> _LibAvif:
    """Return the library after a test. Raises Unfit."""
    try:
        library = _LibAvif(linked_with("_avif"))
        right = all(_is_right(library, mode) for mode in _FORMATS)
    except (ImportError, OSError, AttributeError, Unfit, MemoryError) as exc:
        raise Unfit(f"Pillow's libavif cannot be called: {exc}") from exc
    if not right:
        raise Unfit("Pillow's libavif, called directly, decodes wrong pixels")
    return library


LIBRARY = OptionalLibrary(_tried)


def _is_right(library: _LibAvif, mode: str) -> bool:
    """Return whether the library decodes an image as Pillow does."""
    ramp = Image.linear_gradient("L").resize((24, 16))
    bands = (ramp, ramp.transpose(Image.Transpose.ROTATE_180), Image.new("L", ramp.size, 99), ramp)
    file = BytesIO()
    Image.merge(mode, bands[: len(mode)]).save(file, "AVIF", quality=100, speed=10, subsampling="4:4:4")
    with Image.open(file) as known:
        wanted = known.tobytes()
    high, low = library.decode(file.getvalue())
    found = [(256 * upper + lower) / 257 for upper, lower in zip(high.tobytes(), low.tobytes(), strict=True)]
    return high.mode == mode and all(abs(a - b) <= 1 for a, b in zip(found, wanted, strict=True))
