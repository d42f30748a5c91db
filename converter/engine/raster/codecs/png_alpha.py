"""Apply the transparent colour of a PNG (tRNS), which Pillow does not handle correctly at all bit depths."""

from __future__ import annotations

from functools import reduce
from io import BytesIO

from PIL import Image, ImageChops, ImageFile

_SCALES = {2: 85, 4: 17}
"""The 8-bit value of one step, by bit depth."""


def loaded(image: Image.Image, data: bytes) -> Image.Image:
    """Decode the image, with an alpha channel for a transparent colour that Pillow would miss."""
    image.load()
    clear, bits = image.info.get("transparency"), data[24]
    if isinstance(clear, int):
        if image.mode == "1":
            return _with_clear(image.convert("L"), 255 * (clear & 1))
        if image.mode == "L" and bits in _SCALES:
            return _with_clear(image, (clear & ((1 << bits) - 1)) * _SCALES[bits])
        if image.mode == "L":
            return _with_clear(image, clear & 255)
    if isinstance(clear, tuple) and image.mode == "RGB" and bits == 16:
        return _with_alpha(image, _deep_alpha(image, data, clear))
    if isinstance(clear, tuple) and image.mode == "RGB":
        image.info["transparency"] = tuple(value & 255 for value in clear)
        return image.convert("RGBA")
    return image


def deep_gray(image: Image.Image) -> Image.Image:
    """Return 16-bit grey as 8 bits, with an alpha channel if there is a transparent value."""
    wide, clear = image.convert("I"), image.info.get("transparency")
    gray = wide.point([value >> 8 for value in range(65_536)], "L")
    if not isinstance(clear, int):
        return gray
    return _with_alpha(gray, wide.point([0 if value == clear else 255 for value in range(65_536)], "L"))


def _with_clear(gray: Image.Image, clear: int) -> Image.Image:
    return _with_alpha(gray, gray.point([0 if value == clear else 255 for value in range(256)]))


def _with_alpha(image: Image.Image, alpha: Image.Image) -> Image.Image:
    merged = Image.merge(image.mode + "A", (*image.split(), alpha))
    merged.info.pop("transparency", None)
    return merged


def _deep_alpha(image: Image.Image, data: bytes, clear: tuple[int, ...]) -> Image.Image:
    """Return an alpha channel with 0 where all 16 bits equal the transparent colour.

    `image` has the high bytes, and Pillow decodes the low bytes separately.
    """
    with Image.open(BytesIO(data), formats=["PNG"]) as low:
        assert isinstance(low, ImageFile.ImageFile)
        low.tile = [tile._replace(args="RGB;16L") for tile in low.tile]
        low.load()
        octets = [*image.split(), *low.split()]
    wanted = [value >> 8 for value in clear] + [value & 255 for value in clear]
    alike = [
        octet.point([255 * (value == want) for value in range(256)])
        for octet, want in zip(octets, wanted, strict=True)
    ]
    return ImageChops.invert(reduce(ImageChops.darker, alike))
