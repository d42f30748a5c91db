"""Encode lossy WebP by calling the libwebp that Pillow is linked with through `ctypes`.

Unlike Pillow, this copies no pixels while they are encoded, and offers libwebp's sharp mode. WebP stores colour at
half the resolution; the sharp mode chooses brightness and colour so that the decoded picture is closest to the
original. The library is tested before use. If that fails, Pillow encodes.
"""

from __future__ import annotations

import ctypes
from ctypes import POINTER, Structure, byref, c_char, c_float, c_int, c_size_t, c_uint8, c_uint32, c_void_p
from dataclasses import dataclass
from io import BytesIO
from statistics import mean

from PIL import Image, ImageChops, ImageStat

from converter.engine.raster.pixels import interleaved

from .optional import OptionalLibrary, Unfit, linked_with

MODES = ("RGB", "RGBA")

MOST_SHARP_PIXELS = 50_000_000
"""The most pixels for the sharp mode, which takes 12 bytes of memory per pixel."""

_VERSION = 0x0210
"""The version of these structures. libwebp accepts those of its own major version."""
_NO_PRESET = 0
_OUT_OF_MEMORY = (1, 2)

_LARGEST_ERROR = 20.0


class _Settings(Structure):
    """WebPConfig."""

    _fields_ = [
        ("lossless", c_int),
        ("quality", c_float),
        ("method", c_int),
        ("hint", c_int),
        ("target_size", c_int),
        ("target_psnr", c_float),
        ("others", c_int * 20),
        ("sharp", c_int),
        ("later", c_int * 34),
    ]


class _Picture(Structure):
    """WebPPicture; `later` is larger than its remaining fields."""

    _fields_ = [
        ("has_argb", c_int),
        ("colorspace", c_int),
        ("width", c_int),
        ("height", c_int),
        ("planes", c_void_p * 3),
        ("strides", c_int * 2),
        ("alpha", c_void_p),
        ("alpha_stride", c_int),
        ("unused", c_uint32 * 2),
        ("argb", c_void_p),
        ("argb_stride", c_int),
        ("unused_too", c_uint32 * 3),
        ("writer", c_void_p),
        ("target", c_void_p),
        ("extra_kind", c_int),
        ("extra", c_void_p),
        ("statistics", c_void_p),
        ("error", c_int),
        ("later", c_char * 512),
    ]


class _Memory(Structure):
    """WebPMemoryWriter."""

    _fields_ = [("data", POINTER(c_uint8)), ("size", c_size_t), ("room", c_size_t), ("later", c_uint32 * 8)]


@dataclass(frozen=True)
class Options:
    """The encoder options. An expendable image is closed once its pixels have been read."""

    quality: int
    method: int
    sharp: bool = False
    expendable: bool = False


def encoded(image: Image.Image, options: Options) -> bytes:
    """Encode an image in one of MODES without metadata. Raises Unfit, MemoryError and OSError."""
    return LIBRARY.get().encode(image, options)


def planes(image: Image.Image, sharp: bool) -> Planes:
    """Return the image as libwebp encodes it, for several qualities. Raises Unfit, MemoryError and OSError."""
    return LIBRARY.get().planes(image, sharp)


class Planes:
    """Brightness and colour of an image. Making them takes as long as encoding them in the sharp mode."""

    def __init__(self, library: _LibWebp) -> None:
        self._library = library
        self.picture = _Picture()

    def encode(self, quality: int, method: int) -> bytes:
        """Raises MemoryError and OSError."""
        return self._library.written(self.picture, quality, method)

    def __del__(self) -> None:
        self._library.free(self.picture)


class _LibWebp:
    """The functions of libwebp."""

    def __init__(self, library: ctypes.CDLL) -> None:
        self._functions = library
        self._write = ctypes.cast(library.WebPMemoryWrite, c_void_p)
        self._imports = {"RGB": library.WebPPictureImportRGB, "RGBA": library.WebPPictureImportRGBA}
        library.WebPConfigInitInternal.argtypes = [c_void_p, c_int, c_float, c_int]

    def encode(self, image: Image.Image, options: Options) -> bytes:
        """Raises Unfit, MemoryError and OSError."""
        made = self.planes(image, options.sharp, options.expendable)
        return made.encode(options.quality, options.method)

    def planes(self, image: Image.Image, sharp: bool, expendable: bool = False) -> Planes:
        """Raises Unfit, MemoryError and OSError."""
        made = Planes(self)
        picture = made.picture
        if not self._functions.WebPPictureInitInternal(byref(picture), _VERSION):
            raise Unfit("libwebp has another picture structure")
        picture.has_argb, (picture.width, picture.height) = sharp, image.size
        samples, stride = interleaved(image), image.width * len(image.getbands())
        if expendable:
            image.close()
        if not self._imports[image.mode](byref(picture), samples, stride):
            raise _error(picture)
        return self._sharp(made) if sharp else made

    def _sharp(self, colors: Planes) -> Planes:
        """Return planes made by the sharp mode, without the colours that they were made from."""
        if not self._functions.WebPPictureSharpARGBToYUVA(byref(colors.picture)):
            raise _error(colors.picture)
        made = Planes(self)
        if not self._functions.WebPPictureCopy(byref(colors.picture), byref(made.picture)):
            raise _error(made.picture)
        return made

    def written(self, picture: _Picture, quality: int, method: int) -> bytes:
        calls, settings, memory = self._functions, _Settings(), _Memory()
        if not calls.WebPConfigInitInternal(byref(settings), _NO_PRESET, quality, _VERSION):
            raise Unfit("libwebp has other settings")
        settings.method = method
        picture.writer, picture.target = self._write, ctypes.addressof(memory)
        calls.WebPMemoryWriterInit(byref(memory))
        try:
            if not calls.WebPEncode(byref(settings), byref(picture)):
                raise _error(picture)
            return ctypes.string_at(memory.data, memory.size)
        finally:
            calls.WebPMemoryWriterClear(byref(memory))

    def free(self, picture: _Picture) -> None:
        self._functions.WebPPictureFree(byref(picture))


def _error(picture: _Picture) -> MemoryError | OSError:
    return MemoryError() if picture.error in _OUT_OF_MEMORY else OSError(f"error {picture.error}")


def _tried() -> _LibWebp:
    """Return the library after a test. Raises Unfit."""
    try:
        library = _LibWebp(linked_with("_webp"))
        right = all(_is_right(library, mode) for mode in MODES)
    except (ImportError, OSError, AttributeError, Unfit) as exc:
        raise Unfit(f"Pillow's libwebp cannot be called: {exc}") from exc
    if not right:
        raise Unfit("Pillow's libwebp, called directly, encodes wrong pixels")
    return library


LIBRARY = OptionalLibrary(_tried)


def _is_right(library: _LibWebp, mode: str) -> bool:
    """Return whether a file equals Pillow's, and the sharp mode's has a smaller error."""
    known = _test_image(mode)
    file = BytesIO()
    known.save(file, "WEBP", quality=90, method=4)
    usual, sharp = (library.encode(known, Options(90, 4, sharp)) for sharp in (False, True))
    return usual == file.getvalue() and _loss(known, sharp) < min(_loss(known, usual), _LARGEST_ERROR)


def _test_image(mode: str) -> Image.Image:
    """Return red and blue stripes beside a ramp; in RGBA, half of it is transparent."""
    ramp = Image.linear_gradient("L").resize((72, 40))
    stripes = Image.new("RGB", (72, 40), "navy")
    for y in range(0, 40, 4):
        stripes.paste("red", (0, y, 36, y + 2))
    stripes.paste(ramp.crop((36, 0, 72, 40)).convert("RGB"), (36, 0))
    if mode == "RGBA":
        stripes.putalpha(ramp.point(lambda level: 255 if level > 127 else 0))
    return stripes


def _loss(known: Image.Image, data: bytes) -> float:
    with Image.open(BytesIO(data), formats=["WEBP"]) as image:
        image.load()
        pair = [each.convert("RGBa") for each in (known, image)]
    return mean(ImageStat.Stat(ImageChops.difference(*pair)).rms)
