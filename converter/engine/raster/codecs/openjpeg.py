"""Decode JPEG 2000 colours at full bit depth, of which Pillow reads only 8 bits.

Calls the OpenJPEG that Pillow is linked with through `ctypes`, and tests it before use. If that fails,
Pillow's 8 bits are used.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager
from ctypes import POINTER, Structure, byref, c_int, c_int64, c_size_t, c_uint16, c_uint32, c_uint64, c_void_p
from io import BytesIO
from typing import Any

from PIL import Image

from .optional import OptionalLibrary, Unfit, linked_with

_CODESTREAM = 0
_SETTINGS = 16_384
"""A buffer size larger than the decoder parameters, which keep their defaults."""
_END = c_size_t(-1).value

_Read = ctypes.CFUNCTYPE(c_size_t, c_void_p, c_size_t, c_void_p)
_Skip = ctypes.CFUNCTYPE(c_int64, c_int64, c_void_p)
_Seek = ctypes.CFUNCTYPE(c_int, c_int64, c_void_p)


class _Component(Structure):
    """opj_image_comp_t, unchanged since OpenJPEG 2.0."""

    _fields_ = [
        *((name, c_uint32) for name in ("dx", "dy", "width", "height", "x0", "y0", "bits", "unused")),
        *((name, c_uint32) for name in ("is_signed", "resolutions", "factor")),
        ("samples", c_void_p),
        ("alpha", c_uint16),
    ]


class _Picture(Structure):
    """The beginning of opj_image_t."""

    _fields_ = [
        *((name, c_uint32) for name in ("x0", "y0", "x1", "y1", "count")),
        ("space", c_int),
        ("components", POINTER(_Component)),
    ]


def channels(codestream: bytes) -> list[Image.Image] | None:
    """Return the unsigned channels at full bit depth in mode I, or None if OpenJPEG cannot decode them."""
    try:
        return LIBRARY.get().decode(codestream)
    except Unfit:
        return None


class _OpenJpeg:
    """The OpenJPEG functions and their read callbacks, created once because the sandbox prevents it later."""

    def __init__(self, library: ctypes.CDLL) -> None:
        self._functions = library
        for name in ("opj_create_decompress", "opj_stream_default_create"):
            getattr(library, name).restype = c_void_p
        self._data, self._at, self._failed = b"", 0, False
        self._callbacks = (_Read(self._read), _Skip(self._skip), _Seek(self._seek))

    def decode(self, codestream: bytes) -> list[Image.Image]:
        """Return the channels of the codestream. Raises Unfit."""
        self._data, self._at, self._failed = codestream, 0, False
        with self._opened() as picture:
            found = picture.contents
            return [_image(found.components[number]) for number in range(found.count)]

    @contextmanager
    def _opened(self) -> Iterator[Any]:
        """Yield the decoded picture."""
        calls = self._functions
        codec = c_void_p(calls.opj_create_decompress(_CODESTREAM))
        stream = c_void_p(calls.opj_stream_default_create(True))
        picture: Any = POINTER(_Picture)()
        try:
            self._feed(stream)
            settings = ctypes.create_string_buffer(_SETTINGS)
            calls.opj_set_default_decoder_parameters(settings)
            done = (
                calls.opj_setup_decoder(codec, settings)
                and calls.opj_read_header(stream, codec, byref(picture))
                and calls.opj_decode(codec, stream, picture)
            )
            if not done or self._failed:
                raise Unfit("OpenJPEG refused the file")
            yield picture
        finally:
            self._data = b""
            calls.opj_destroy_codec(codec)
            calls.opj_stream_destroy(stream)
            if picture:
                calls.opj_image_destroy(picture)

    def _feed(self, stream: c_void_p) -> None:
        calls, (read, skip, seek) = self._functions, self._callbacks
        calls.opj_stream_set_read_function(stream, read)
        calls.opj_stream_set_skip_function(stream, skip)
        calls.opj_stream_set_seek_function(stream, seek)
        calls.opj_stream_set_user_data_length(stream, c_uint64(len(self._data)))

    def _read(self, target: int, count: int, _: int) -> int:
        try:
            part = self._data[self._at : self._at + count]
        except MemoryError:
            self._failed = True  # ctypes would print it, and OpenJPEG would decode what it has
            return _END
        self._at += len(part)
        ctypes.memmove(target, part, len(part))
        return len(part) or _END

    def _skip(self, count: int, _: int) -> int:
        before = self._at
        self._at = min(len(self._data), before + count)
        return self._at - before or -1

    def _seek(self, place: int, _: int) -> int:
        self._at = min(len(self._data), place)
        return int(place <= len(self._data))


def _image(component: _Component) -> Image.Image:
    size = (component.width, component.height)
    if not component.samples or 0 in size:
        raise Unfit("OpenJPEG decoded nothing")
    octets = ctypes.string_at(component.samples, 4 * size[0] * size[1])
    image = Image.frombuffer("I", size, octets, "raw", "I", 0, 1)
    if not component.is_signed:
        return image
    lowest = 1 << (component.bits - 1)
    return image.point(lambda value: value * 1 + lowest)


def _tried() -> _OpenJpeg:
    """Return the library after a test. Raises Unfit."""
    try:
        library = _OpenJpeg(linked_with("_imaging"))
        right = all(_is_right(library, mode) for mode in ("RGB", "I;16"))
    except (ImportError, OSError, AttributeError, Unfit) as exc:
        raise Unfit(f"Pillow's OpenJPEG cannot be called: {exc}") from exc
    if not right:
        raise Unfit("Pillow's OpenJPEG, called directly, decodes wrong pixels")
    return library


LIBRARY = OptionalLibrary(_tried)


def _is_right(library: _OpenJpeg, mode: str) -> bool:
    """Return whether the library correctly decodes an image that Pillow encoded."""
    ramp = Image.linear_gradient("L").resize((61, 40))
    turned = ramp.transpose(Image.Transpose.ROTATE_180)
    known = Image.merge("RGB", (ramp, turned, Image.new("L", ramp.size, 99)))
    if mode != "RGB":
        known = ramp.convert("I").point(lambda value: value * 257 + 0).convert(mode)
    file = BytesIO()
    known.save(file, "JPEG2000", no_jp2=True)
    wanted = [band.convert("I").tobytes() for band in known.split()]
    return [channel.tobytes() for channel in library.decode(file.getvalue())] == wanted
