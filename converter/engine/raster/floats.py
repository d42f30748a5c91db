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


def white_of(bands: Sequence[Image.Image]) -> float:
    """Return the value of white in these channels of mode F: 1, or the highest plausible value if above 1."""
    values = sorted(
        value
        for band in bands
        for value in _some(band).get_flattened_data()
        if isinstance(value, float) and math.isfinite(value) and value < _NO_DATA
    )
    if not values:
        return 1.0
    usual = values[max(0, min(len(values) - 2, int(_USUAL * len(values))))]
    tops = [high for high in (band.getextrema()[1] for band in bands) if isinstance(high, float)]
    highest = max([values[-1], *(top for top in tops if top < _NO_DATA)])
    if highest <= 1 or usual <= 0:
        return 1.0
    return max(usual, 1.0) if highest > _FAR * usual else highest


def gray(image: Image.Image) -> Image.Image:
    """Return a picture of mode F in 8 bits, with the lower bytes of its 16 bits in `info`."""
    white = white_of([image])
    made, low = octets.halves(integers(image, white))
    made.info |= {WHITE: white, octets.LOW: low}
    return made


def integers(band: Image.Image, white: float) -> Image.Image:
    """Return a channel of mode F as integers up to 65,535; NaN becomes black, and infinity white."""
    scale = _MOST / white
    scaled = band.point(lambda value: value * scale + 0.5)
    highest = scaled.getextrema()[1]
    if (
        isinstance(highest, float) and not highest <= _MOST + 1
    ):  # true for NaN too, which may come first and hide the real maximum
        scaled = ImageMath.lambda_eval(_bounded, band=scaled)
    return scaled.convert("I")


def _bounded(found: Mapping[str, Any]) -> Any:
    """Limit the band to `_MOST`. It is the second operand because min(number, NaN) returns the second one."""
    return found["band"].apply("min", _MOST, found["band"])


def _some(band: Image.Image) -> Image.Image:
    if max(band.size) <= _SAMPLE:
        return band
    return band.resize((min(_SAMPLE, band.width), min(_SAMPLE, band.height)), Image.Resampling.NEAREST)
