"""Convert floating-point pictures to integers, after finding the value of white."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from PIL import Image, ImageMath

from . import octets

WHITE = "white"
"""The key of the white value in a decoded picture's `info`."""

_MOST = 65_535.0
_SAMPLE = 256
"""Maximum pixels per side of the sample from which the usual highest value is taken."""
_USUAL = 0.998
_FAR = 8
"""A maximum more than this many times the usual one is an error or a marker."""
_NO_DATA = 1e30
"""Values from here on mean "no data": maps use 3.4e38 where nothing was measured, often in large areas."""
FAINT = 0.01
"""Below this, nearly everything would be black: the values are not shares of white, but measurements."""


def white_of(bands: Sequence[Image.Image]) -> float:
    """Return the value of white in these channels of mode F."""
    return _white(highest(bands))


def shared(found: Mapping[int, tuple[object, float]]) -> dict[int, float]:
    """Return the value of white for each page, which pages of the same kind share.

    `found` are the kind and the highest value of each.
    """
    most: dict[object, float] = {}
    for kind, top in found.values():
        most[kind] = max(most.get(kind, 0.0), top)
    return {number: _white(most[kind]) for number, (kind, _) in found.items()}


def highest(bands: Sequence[Image.Image]) -> float | None:
    """Return the highest plausible value in these channels of mode F; None if hardly any is above 0."""
    values = sorted(
        value
        for band in bands
        for value in _some(band).get_flattened_data()
        if isinstance(value, float) and math.isfinite(value) and value < _NO_DATA
    )
    if not values:
        return None
    usual = values[max(0, min(len(values) - 2, int(_USUAL * len(values))))]
    tops = [high for high in (band.getextrema()[1] for band in bands) if isinstance(high, float)]
    top = max([values[-1], *(high for high in tops if high < _NO_DATA)])
    if usual <= 0:
        return None
    return max(usual, 1.0) if top > max(1.0, _FAR * usual) else top


def _white(top: float | None) -> float:
    """Return the value of white: 1, or the highest value if it is above 1 or far below."""
    return top if top and (top > 1 or top < FAINT) else 1.0


def gray(image: Image.Image) -> Image.Image:
    """Return a picture of mode F in 8 bits, with the lower bytes of its 16 bits in `info`.

    The value of white may already be in the picture's `info`.
    """
    white = image.info.get(WHITE) or white_of([image])
    made, low = octets.halves(integers(image, white))
    made.info |= {WHITE: white, octets.LOW: low}
    return made


def integers(band: Image.Image, white: float) -> Image.Image:
    """Return a channel of mode F as integers up to 65,535; NaN becomes black, and infinity white."""
    scale = _MOST / white
    scaled = band.point(lambda value: value * scale + 0.5)
    highest = scaled.getextrema()[1]
    # Not `>`, which is false for NaN: it may come first and hide the real maximum.
    if isinstance(highest, float) and not highest <= _MOST + 1:
        scaled = ImageMath.lambda_eval(_bounded, band=scaled)
    return scaled.convert("I")


def _bounded(found: Mapping[str, Any]) -> Any:
    """Limit the band to `_MOST`. It is the second operand because min(number, NaN) returns the second one."""
    return found["band"].apply("min", _MOST, found["band"])


def _some(band: Image.Image) -> Image.Image:
    if max(band.size) <= _SAMPLE:
        return band
    return band.resize((min(_SAMPLE, band.width), min(_SAMPLE, band.height)), Image.Resampling.NEAREST)
