"""Smaller JPEGs of colour: coded by jpegli, then made progressive by mozjpeg, which changes no pixel.

Both see only pixels of our own and files that the first has written. Where either is missing or fails its test,
libjpeg-turbo writes what it can write too.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO
from itertools import pairwise
from statistics import mean

from PIL import Image, ImageChops, ImageStat

from .optional import OptionalLibrary, Unfit

MOST_PIXELS, MOST_PIXELS_IN_SEARCH = 50_000_000, 16_000_000
"""Above these mozjpeg takes too long: up to 0.2 s a megapixel, and eight times that in a search for a size."""

LOWEST = 10
"""Below this quality libjpeg-turbo's files are smaller than any of jpegli's."""

# jpegli's qualities at which photographs get the SSIMULACRA2 that libjpeg-turbo gives them at ours.
_SCALE = ((10, 1), (15, 5), (45, 29), (75, 71), (85, 85), (95, 95), (100, 100))

_ROWS = 256  # at once: Pillow builds a copy of what it hands out, and joins it to another
_LARGEST_ERROR = 3.0


@dataclass(frozen=True)
class _Libraries:
    encode: Callable[..., bytes]
    optimize: Callable[[bytes], bytes]


def encoded(image: Image.Image, quality: int, progressive: bool) -> bytes | None:
    """Return an RGB image as a JPEG at 4:2:0 without metadata; None where it cannot be made here.

    `quality` is on libjpeg-turbo's scale, from LOWEST.
    """
    try:
        return _encoded(LIBRARIES.get(), image, quality, progressive)
    except Unfit:
        return None


def _encoded(libraries: _Libraries, image: Image.Image, quality: int, progressive: bool) -> bytes:
    try:
        data = libraries.encode(_pixels(image), *image.size, quality=_quality(quality))
        return libraries.optimize(data) if progressive else data
    except (RuntimeError, ValueError) as exc:
        raise Unfit(f"jpegli failed: {exc}") from exc


def _quality(quality: int) -> int:
    (low, lower), (high, higher) = next(ends for ends in pairwise(_SCALE) if quality <= ends[1][0])
    return round(lower + (quality - low) * (higher - lower) / (high - low))


def _pixels(image: Image.Image) -> bytearray:
    row = 3 * image.width
    pixels = bytearray(row * image.height)
    for top in range(0, image.height, _ROWS):
        bottom = min(top + _ROWS, image.height)
        pixels[row * top : row * bottom] = image.crop((0, top, image.width, bottom)).tobytes()
    return pixels


def _tried() -> _Libraries:
    """Raises Unfit."""
    try:
        import mozjpeg_lossless_optimization
        import pyjpegli
    except ImportError as exc:
        raise Unfit(f"{exc.name} is not installed") from exc
    libraries = _Libraries(pyjpegli.encode, mozjpeg_lossless_optimization.optimize)
    try:
        right = _is_right(libraries)
    except (Unfit, OSError) as exc:
        raise Unfit(f"jpegli cannot be used on this processor: {exc}") from exc
    if not right:
        raise Unfit("jpegli writes other pixels on this processor")
    return libraries


LIBRARIES = OptionalLibrary(_tried)


def _is_right(libraries: _Libraries) -> bool:
    """Whether Pillow decodes what is known, and the same from the progressive file."""
    ramp = Image.linear_gradient("L").resize((72, 40))
    known = Image.merge(
        "RGB", (ramp, ramp.transpose(Image.Transpose.ROTATE_180), Image.new("L", ramp.size, 99))
    )
    plain, progressive = (_decoded(_encoded(libraries, known, 90, asked)) for asked in (False, True))
    error = mean(ImageStat.Stat(ImageChops.difference(known, plain)).mean)
    return error <= _LARGEST_ERROR and plain.tobytes() == progressive.tobytes()


def _decoded(data: bytes) -> Image.Image:
    with Image.open(BytesIO(data), formats=["JPEG"]) as image:
        return image.convert("RGB")
