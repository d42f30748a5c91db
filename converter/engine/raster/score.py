"""How good a compressed picture looks: an estimate of SSIMULACRA2, 100 for equal, without numpy.

Structure is compared on luma at four scales and on red-green at two, and pooled so that the worst parts count most. The
weights, and what a format's own kind of damage counts for, were fitted to SSIMULACRA2 on 49 photographs, screenshots and
drawings in four formats and qualities each: the mean error is 2, and above 4.7 for one in ten (docs/performance.md).
"""

from __future__ import annotations

from typing import Any

from PIL import Image

from .similarity import Plane, computed, mean_of, on_white, times, windows

_C2 = (0.03 * 255) ** 2
_SMALLEST = 16
"""A side of fewer pixels is not halved again."""

# Weights of the mean and of the fourth-power mean of the damage, per halving.
_LUMA = ((3.1, 12.5), (0.0, 11.6), (115.0, 0.0), (71.0, 0.0))
_RED_GREEN = ((0.0, 0.0), (0.0, 8.1), (0.0, 0.0), (0.0, 27.8))


def score(picture: Image.Image, other: Image.Image, severity: float = 1) -> float:
    """Return how similar the other picture looks, 0 to 100; transparent parts count as white.

    `severity` is how visible the measured damage is, compared with JPEG.
    """
    y, _, red = _planes(picture)
    other_y, _, other_red = _planes(other)
    damage = _damage(y, other_y, _LUMA) + _damage(red, other_red, _RED_GREEN)
    return _of_damage(damage / severity)


def _planes(picture: Image.Image) -> list[Image.Image]:
    return [band.convert("F") for band in on_white(picture).convert("RGB").convert("YCbCr").split()]


def _damage(x: Plane, y: Plane, weights: tuple[tuple[float, float], ...]) -> float:
    total = 0.0
    for of_mean, of_worst in weights:
        if of_mean or of_worst:
            lost = _lost(x, y)
            total += of_mean * mean_of(lost)
        if of_worst:
            squared = computed(lambda of: of["a"] * of["a"], a=lost)
            total += of_worst * mean_of(computed(lambda of: of["a"] * of["a"], a=squared)) ** 0.25
        if min(x.size) >= _SMALLEST:
            x, y = x.reduce(2), y.reduce(2)
    return total


def _lost(x: Plane, y: Plane) -> Plane:
    """Return how much structure each window has lost: 0 for none."""
    planes = {
        "mx": windows(x),
        "my": windows(y),
        "xx": windows(computed(times, a=x, b=x)),
        "yy": windows(computed(times, a=y, b=y)),
        "xy": windows(computed(times, a=x, b=y)),
    }
    return computed(_lost_of, **planes)


def _lost_of(of: dict[str, Any]) -> Any:
    mx, my = of["mx"], of["my"]
    shift = (mx - my) * (1 / 255)
    structure = ((of["xy"] - mx * my) * 2 + _C2) / (of["xx"] - mx * mx + of["yy"] - my * my + _C2)
    lost = 1 - (1 - shift * shift) * structure
    return (lost + abs(lost)) * 0.5


def _of_damage(damage: float) -> float:
    """Return the score by SSIMULACRA2's own curve."""
    scaled = 0.9562382616834844 * damage
    bent = 6.248496625763138e-5 * scaled**3 - 0.020884521182843837 * scaled**2 + 2.326765642916932 * scaled
    return float(max(0.0, 100 - 10 * max(0.0, bent) ** 0.6276336467831387))
