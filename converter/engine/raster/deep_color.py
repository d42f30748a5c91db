"""Convert 16-bit pictures with a profile, or HDR, to sRGB. Pillow's LittleCMS converts only 8 bits."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from PIL import Image

from converter.engine.report import Log

from . import color, octets, profiles, tone
from .profiles import Matrix
from .signalling import ColorSpace

_TOP = 65_535
_ROWS = 128
_NODES = np.linspace(0, 1, 4097)
"""Points at which a curve is evaluated; interpolation between them is accurate to half a 16-bit step."""


_LIGHT = np.linspace(0, 1, _TOP + 1) ** 2
_CODES = (
    np.where(_LIGHT <= 0.0031308, 12.92 * _LIGHT, 1.055 * _LIGHT ** (1 / 2.4) - 0.055) * _TOP + 0.5
).astype(np.uint16)
"""The 16-bit sRGB value for each square root of linear light, which makes the curve nearly straight."""


def to_srgb(high: Image.Image, low: Image.Image, space: ColorSpace, log: Log) -> octets.Halves | None:
    """Return the halves of the picture in sRGB; None if it needs no conversion, or needs LittleCMS."""
    if not (space.hdr or _is_changed(high, space)):
        return None
    tables, matrix = _tables(high, space), profiles.to_linear_srgb(space.icc or b"")
    if len(tables) != len(_colors(high)) or (len(tables) == 3 and matrix is None):
        return None
    size = (high.width, high.height)
    made = Image.new(high.mode, size), Image.new(high.mode, size)
    for top in range(0, high.height, _ROWS):
        box = (0, top, high.width, min(high.height, top + _ROWS))
        for whole, strip in zip(made, _converted(high.crop(box), low.crop(box), tables, matrix), strict=True):
            whole.paste(strip, box)
    color.note_converted(space, log)
    return made


def _is_changed(image: Image.Image, space: ColorSpace) -> bool:
    profile = color.profile_of(space.icc)
    return profile is not None and profile.suits(image) and profile.changes(image)


def _tables(image: Image.Image, space: ColorSpace) -> Sequence[Any]:
    """Return the linear light of each 16-bit value, per colour channel; empty if there are no curves."""
    count = len(_colors(image))
    if space.hdr:
        lights = [tone.light(space.hdr, tone.brightest(image))] * count
    else:
        lights = profiles.curves_for(space.icc or b"", count)
    try:
        tables = {light: _table(light) for light in set(lights)}
    except profiles.INVALID_CURVE:
        return []
    return [tables[light] for light in lights]


def _colors(image: Image.Image) -> Sequence[str]:
    return [band for band in image.getbands() if band != "A"]


def _table(light: profiles.Light) -> Any:
    """Return the linear light of each 16-bit value."""
    nodes = [light(float(node)) for node in _NODES]
    return np.interp(np.linspace(0, 1, _TOP + 1), _NODES, nodes).astype(np.float32)


def _converted(
    high: Image.Image, low: Image.Image, tables: Sequence[Any], matrix: Matrix | None
) -> octets.Halves:
    bands = [octets.gray(*band) for band in zip(high.split(), low.split(), strict=True)]
    lit = [table[np.asarray(band)] for table, band in zip(tables, bands, strict=False)]
    if matrix and len(lit) == 3:
        lit = [
            sum(np.float32(share) * light for share, light in zip(row, lit, strict=True)) for row in matrix
        ]
    pairs = [octets.halves(Image.fromarray(_coded(light))) for light in lit]
    pairs += [octets.halves(band) for band in bands[len(lit) :]]
    if len(pairs) == 1:
        return pairs[0]
    one, other = (Image.merge(high.mode, half) for half in zip(*pairs, strict=True))
    return one, other


def _coded(light: Any) -> Any:
    """Return the 16-bit sRGB values for linear light."""
    return _CODES[(np.sqrt(np.clip(light, 0, 1)) * _TOP + 0.5).astype(np.uint16)]
