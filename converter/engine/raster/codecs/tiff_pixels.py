"""Decode the pixels of a TIFF and correct Pillow's errors."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any, cast

from PIL import Image, ImageChops, ImageFile, ImagePalette, TiffImagePlugin

from converter.engine.errors import UnsupportedVariant
from converter.engine.formats import FORMATS
from converter.engine.raster import color, floats, octets
from converter.engine.raster.orientation import TURNS, orientation
from converter.engine.raster.signalling import ColorSpace
from converter.engine.report import Log

from . import tiff_samples
from .tiff_kinds import is_put_together_here

_BITS, _PHOTOMETRIC, _PLANAR, _COLOR_MAP, _SAMPLE_FORMAT = 258, 262, 284, 320, 339
_PROFILE, _SEPARATE = 34675, 2
_MIN_IS_WHITE, _SIGNED, _FLOAT = 0, 2, 3
_WHITE = 65_535

_PLACES = ((273, 279), (324, 325))  # offsets and byte counts of strips and of tiles

# Maps Pillow's raw modes in the file's byte order to those in native byte order, which libtiff returns.
_NATIVE = {"F;32BF": "F;32NF", "I;32B": "I;32N", "I;32BS": "I;32NS"}


def loaded(image: Image.Image, data: bytes) -> Image.Image:
    """Decode the current page, with 0 as black and 16-bit samples in the full range or as 8 bits.

    Raises UnsupportedVariant, and EOFError if pixels are outside the file.
    """
    assert isinstance(image, TiffImagePlugin.TiffImageFile)
    tags = image.tag_v2
    if (0, 0) in _strips(tags):
        raise UnsupportedVariant(kind="sparse", format=FORMATS["tiff"].label)
    if is_put_together_here(image):
        return _upright(_put_together(image, data), orientation(image))
    _tell_byte_order(image)
    if image.mode in ("P", "PA"):
        _set_up_palette(image, tags.get(_COLOR_MAP, ()))
    try:
        image.load()
    except OSError as exc:
        if _reaches_beyond(tags, len(data)):
            raise EOFError from exc
        raise
    photometric, bits = tags.get(_PHOTOMETRIC, 0), max(_tuple(tags.get(_BITS, 1)))
    if image.mode.startswith("I;16"):
        return _full_range(image.convert("I"), (1 << bits) - 1, is_inverted=photometric == _MIN_IS_WHITE)
    if image.mode == "I":
        plain = _integers(image, signed=_tuple(tags.get(_SAMPLE_FORMAT, 1))[0] == _SIGNED)
    elif image.mode == "F":
        plain = floats.gray(image)
    elif image.mode == "LAB" and tags.get(_PLANAR, 1) == _SEPARATE:
        return _shifted(image)
    else:
        return image
    return _inverted(plain) if photometric == _MIN_IS_WHITE else plain


def is_floating_point(image: Image.Image) -> bool:
    assert isinstance(image, TiffImagePlugin.TiffImageFile)
    return bool(_tuple(image.tag_v2.get(_SAMPLE_FORMAT, 1))[0] == _FLOAT)


def highest(image: Image.Image, data: bytes) -> float | None:
    """Return the highest plausible value of the current page, which is in floating point."""
    assert isinstance(image, TiffImagePlugin.TiffImageFile)
    if is_put_together_here(image):
        return tiff_samples.highest(image, data)
    _tell_byte_order(image)
    image.load()
    return floats.highest([image])


def _inverted(image: Image.Image) -> Image.Image:
    inverted = ImageChops.invert(image)
    inverted.info = image.info
    low = image.info.get(octets.LOW)
    if low:
        inverted.info[octets.LOW] = ImageChops.invert(low)
    return inverted


def _put_together(image: TiffImagePlugin.TiffImageFile, data: bytes) -> Image.Image:
    colors, alpha = tiff_samples.loaded(image, data)
    if alpha is None:
        return colors
    if colors.mode == "CMYK":  # Pillow has no CMYK mode with alpha
        icc = image.tag_v2.get(_PROFILE)
        colors = color.to_srgb(colors, ColorSpace(icc if isinstance(icc, bytes) else None), Log())
    low, low_alpha = colors.info.get(octets.LOW), alpha.info.get(octets.LOW)
    colors.putalpha(alpha)
    if low and low_alpha:
        low.putalpha(low_alpha)
    return colors


def _upright(pixels: Image.Image, held: int) -> Image.Image:
    """Turn the pixels upright, as Pillow does with those that it decodes itself."""
    if held not in TURNS:
        return pixels
    turned = pixels.transpose(TURNS[held])
    turned.info = pixels.info
    low = pixels.info.get(octets.LOW)
    if low:
        turned.info[octets.LOW] = low.transpose(TURNS[held])
    return turned


def _reaches_beyond(tags: Any, end: int) -> bool:
    """Return whether some of the pixels are outside the file."""
    return any(at + size > end for at, size in _strips(tags))


def _strips(tags: Any) -> Iterator[tuple[int, int]]:
    """Yield the offset and size of each strip or tile; both are 0 for one that was left out as empty."""
    for offsets, sizes in _PLACES:
        yield from zip(_tuple(tags.get(offsets, ())), _tuple(tags.get(sizes, ())), strict=False)


def _tell_byte_order(image: TiffImagePlugin.TiffImageFile) -> None:
    """Set native byte order for samples from libtiff, which Pillow does only for 16 bits."""
    for codec, extents, offset, arguments in image.tile:
        if codec == "libtiff" and isinstance(arguments, tuple):
            native = (_NATIVE.get(arguments[0], arguments[0]), *arguments[1:])
            image.tile = [ImageFile._Tile(codec, extents, offset, native)]


def _set_up_palette(image: Image.Image, colors: tuple[int, ...]) -> None:
    """Correct palettes with 8-bit instead of 16-bit entries, detected as in libtiff."""
    if colors and max(colors) < 256:
        image.palette = ImagePalette.raw("RGB;L", bytes(colors))


def _full_range(image: Image.Image, top: int, is_inverted: bool) -> Image.Image:
    """Scale values from 0 to `top` to 16 bits, from black to white."""
    scale, start = (-_WHITE / top, _WHITE) if is_inverted else (_WHITE / top, 0)
    return image.point(lambda value: value * scale + (start + 0.5)).convert("I;16")


def _shifted(image: Image.Image) -> Image.Image:
    """Correct the a and b of planar Lab, which Pillow reads as unsigned."""
    lightness, *others = image.split()
    turned = [value ^ 128 for value in range(256)]
    return Image.merge("LAB", [lightness, *(band.point(turned) for band in others)])


def _integers(image: Image.Image, signed: bool) -> Image.Image:
    """Return 32-bit samples as 8 bits with low bytes.

    Uses the highest 16 bits of unsigned samples, and the lowest 16 bits of signed ones if they suffice.
    """
    if not signed:
        ranks = (3, 2) if sys.byteorder == "little" else (0, 1)
        pixels = image.tobytes()
        return _with_low(*(Image.frombytes("L", image.size, pixels[rank::4]) for rank in ranks))
    low, high = cast("tuple[int, int]", image.getextrema())
    if low < 0 or high > 65_535:
        raise UnsupportedVariant(kind="signed_samples", format=FORMATS["tiff"].label, bits=32)
    return _with_low(*octets.halves(image))


def _with_low(image: Image.Image, low: Image.Image) -> Image.Image:
    image.info[octets.LOW] = low
    return image


def _tuple(value: Any) -> tuple[int, ...]:
    return value if isinstance(value, tuple) else (value,)
