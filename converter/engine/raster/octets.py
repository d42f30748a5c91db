"""16-bit pictures as two 8-bit pictures of the same mode: the higher and the lower bytes.

Pillow has a 16-bit mode only for grey. Operations that move pixels treat both halves alike; operations that
mix pixels join them first.
"""

from __future__ import annotations

import sys
from typing import Literal

from PIL import Image, ImageMath

from .geometry import Box, Size

Halves = tuple[Image.Image, Image.Image]
Order = Literal["big", "little"]

LOW = "low"
"""The key of the lower bytes in a decoded picture's `info`, if its codec provides them."""

_TOP = 65_535


def halves(gray: Image.Image) -> Halves:
    """Return the halves of a picture in mode I;16 or I with values from 0 to 65,535."""
    octets = gray.convert("I").convert("I;16").tobytes()
    return Image.frombytes("L", gray.size, octets[1::2]), Image.frombytes("L", gray.size, octets[::2])


def gray(high: Image.Image, low: Image.Image) -> Image.Image:
    """Join two halves of mode L into one picture of mode I;16."""
    return Image.frombytes("I;16", high.size, joined(high.tobytes(), low.tobytes(), "little"))


def parted(octets: bytes | bytearray, mode: str, size: Size, order: Order = sys.byteorder) -> Halves:
    """Return the halves of 16-bit samples."""
    high = 0 if order == "big" else 1
    return Image.frombytes(mode, size, octets[high::2]), Image.frombytes(mode, size, octets[1 - high :: 2])


def joined(high: bytes, low: bytes, order: Order = sys.byteorder) -> bytes:
    """Return the 16-bit samples of these halves."""
    pairs = bytearray(2 * len(high))
    at = 0 if order == "big" else 1
    pairs[at::2], pairs[1 - at :: 2] = high, low
    return bytes(pairs)


def resampled(high: Image.Image, low: Image.Image, box: Box, size: Size) -> Halves:
    """Resample a box of the picture to this size, with colours weighted by alpha."""
    left, top, right, bottom = box
    box = (max(0.0, left), max(0.0, top), min(right, high.width), min(bottom, high.height))
    bands = list(zip(high.split(), low.split(), strict=True))
    alpha = _float(*bands.pop()) if high.mode in ("LA", "RGBA") else None
    seen = alpha.resize(size, Image.Resampling.LANCZOS, box=box) if alpha else None
    made = []
    for band in (_float(*band) for band in bands):
        weighted = _computed(lambda it: it["band"] * it["alpha"], band=band, alpha=alpha) if alpha else band
        smaller = weighted.resize(size, Image.Resampling.LANCZOS, box=box)
        if seen:
            smaller = _computed(lambda it: it["band"] / it["max"](it["alpha"], 1.0), band=smaller, alpha=seen)
        made.append(_rounded(smaller))
    if seen:
        made.append(_rounded(seen))
    if len(made) == 1:
        return made[0]
    return Image.merge(high.mode, [one for one, _ in made]), Image.merge(high.mode, [one for _, one in made])


def _float(high: Image.Image, low: Image.Image) -> Image.Image:
    return gray(high, low).convert("F")


def _rounded(band: Image.Image) -> Halves:
    return halves(band.point(lambda value: value * 1.0 + 0.5).convert("I"))


def _computed(expression: object, **bands: Image.Image) -> Image.Image:
    made: Image.Image = ImageMath.lambda_eval(expression, **bands)  # type: ignore[arg-type]
    return made
