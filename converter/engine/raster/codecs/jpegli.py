"""Encode smaller JPEGs with jpegli.

It never gets untrusted files, only decoded pixels. If it is missing or fails its test, libjpeg-turbo is used.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO
from itertools import pairwise
from math import prod
from statistics import mean

from PIL import Image, ImageChops, ImageStat

from converter.engine.raster.pixels import interleaved
from converter.engine.raster.room import check_room

from .optional import OptionalLibrary, Unfit

MODES = ("L", "RGB")

MOST_SAMPLES = 75_000_000
"""The most samples that it can encode without too much memory: 50 megapixels in colour at 4:2:0."""

LOWEST = 10
"""The lowest quality. Below it, libjpeg-turbo's files are smaller than any of jpegli's."""

# Pairs of libjpeg-turbo's quality and the jpegli quality with the same SSIMULACRA2 for photos.
_SCALE = ((10, 1), (15, 5), (45, 29), (75, 71), (85, 85), (95, 95), (100, 100))
_MORE_IN_FULL_COLOR = 1

_PROGRESSIVE, _SEQUENTIAL = 2, 0
_ROOM = 10
"""The memory in bytes per sample, for noise at the highest quality. jpegli aborts if allocation fails."""

_LARGEST_ERROR = 3.0


@dataclass(frozen=True)
class Options:
    """The encoder options.

    `quality` is on libjpeg-turbo's scale, at least LOWEST. `full_color` selects 4:4:4 instead of 4:2:0.
    """

    quality: int
    progressive: bool
    full_color: bool


Encode = Callable[[bytes, str, tuple[int, int], Options], bytes]


def samples(mode: str, pixels: int, full_color: bool) -> int:
    """Return the number of samples that a JPEG stores for this number of pixels."""
    if mode == "L":
        return pixels
    return 3 * pixels if full_color else 3 * pixels // 2


def encoded(image: Image.Image, options: Options, expendable: bool = False) -> bytes:
    """Encode an image in one of MODES as a JPEG without metadata. An expendable image is closed.

    Raises Unfit and MemoryError.
    """
    encode = LIBRARY.get()
    mode, size, pixels = image.mode, image.size, interleaved(image)
    if expendable:
        image.close()
    check_room(_ROOM * samples(mode, prod(size), options.full_color))
    return encode(pixels, mode, size, options)


def _quality(options: Options) -> int:
    quality = options.quality
    (low, lower), (high, higher) = next(ends for ends in pairwise(_SCALE) if quality <= ends[1][0])
    same = round(lower + (quality - low) * (higher - lower) / (high - low))
    return min(same + _MORE_IN_FULL_COLOR * options.full_color, 100)


def _tried() -> Encode:
    """Return the encode function after a test. Raises Unfit."""
    try:
        import ajpegli
        import numpy
    except ImportError as exc:
        raise Unfit(f"{exc.name} is not installed") from exc

    def encode(pixels: bytes, mode: str, size: tuple[int, int], options: Options) -> bytes:
        rows = numpy.frombuffer(pixels, numpy.uint8).reshape(size[1], size[0], -1)
        data: bytes = ajpegli.encode(
            rows,
            quality=_quality(options),
            progressive=_PROGRESSIVE if options.progressive else _SEQUENTIAL,
            subsampling="gray" if mode == "L" else "444" if options.full_color else "420",
        )
        return data

    try:
        right = _is_right(encode)
    except (ajpegli.AjpegliError, RuntimeError, OSError) as exc:
        raise Unfit(f"jpegli cannot be used on this processor: {exc}") from exc
    if not right:
        raise Unfit("jpegli encodes wrong pixels on this processor")
    return encode


LIBRARY = OptionalLibrary(_tried)


def _is_right(encode: Encode) -> bool:
    """Return whether Pillow decodes test images correctly, and identically from progressive files."""
    ramp = Image.linear_gradient("L").resize((72, 40))
    known = Image.merge(
        "RGB", (ramp, ramp.transpose(Image.Transpose.ROTATE_180), Image.new("L", ramp.size, 99))
    )
    return all(
        _is_kept(encode, image, full) for image, full in ((ramp, False), (known, False), (known, True))
    )


def _is_kept(encode: Encode, image: Image.Image, full_color: bool) -> bool:
    plain, progressive = (
        _decoded(encode(interleaved(image), image.mode, image.size, Options(90, asked, full_color)))
        for asked in (False, True)
    )
    if plain.mode != image.mode:
        return False
    error = mean(ImageStat.Stat(ImageChops.difference(image, plain)).mean)
    return error <= _LARGEST_ERROR and plain.tobytes() == progressive.tobytes()


def _decoded(data: bytes) -> Image.Image:
    with Image.open(BytesIO(data), formats=["JPEG"]) as image:
        image.load()
        return image
