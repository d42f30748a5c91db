"""The visual score of a compressed picture: SSIMULACRA2 2.1 by Jon Sneyers, 100 for equal.

It is defined by tools/ssimulacra2.cc of libjxl. In the XYB colour space, at several scales, it measures lost
structure (SSIM), added edges and lost edges, each as a mean and as a fourth-power mean, in which the worst
parts count most. This implementation leaves out weights below 0.01, and evaluates the two largest scales at
every third row and column; either changes a score by hundredths. Of large pictures, it evaluates these scales only
in bands (see `sample`), which changes a score by a tenth. For borders, see `blur`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageOps

from .blur import Plane, Strip, blurred, strips, strips_of_bands
from .sample import LEAST_SIDE, is_large
from .similarity import on_white
from .xyb import B, X, Y, sizes, sizes_of_large

_Norms = tuple[float, float]


class _Weights(NamedTuple):
    """Weights of the mean and the fourth-power mean of each kind of damage."""

    structure: _Norms = (0, 0)
    added: _Norms = (0, 0)
    lost: _Norms = (0, 0)


# For full size, half size and so on.
_WEIGHTS: tuple[Mapping[int, _Weights], ...] = (
    {Y: _Weights((0, 7.466890328078848), lost=(0, 17.445833984131262))},
    {
        X: _Weights((0, 1.1041726426657346)),
        Y: _Weights((0, 6.683678146179332), lost=(0, 1.027889937768264)),
    },
    {
        X: _Weights((0, 1.8422455520539298), (0, 11.441172603757666)),
        Y: _Weights((225.20515300849274, 19.213238186143016)),
    },
    {
        X: _Weights((0, 1.8787594979546387), (0, 10.94906990605142)),
        Y: _Weights((176.39317598450694, 24.43300999870476), (0, 0.28520802612117757)),
        B: _Weights((0, 8.826982764996862), (0, 23.19243343998926)),
    },
    {
        X: _Weights(added=(0.9677937080626833, 0.9981766977854967)),
        Y: _Weights((0, 34.77906344483772), (0, 44.835625328877896)),
        B: _Weights(
            (95.1080498811086, 0),
            (0.9863978034400682, 171.2667255897307),
            (0.9834382792465353, 0.9807858872435379),
        ),
    },
)


class _Look(NamedTuple):
    """The rows and columns of a plane that are evaluated: every `step`-th of each strip."""

    step: int
    strips: Callable[[int], list[Strip]] = strips


_LOOKS = (_Look(3), _Look(3), _Look(1), _Look(1), _Look(1))
"""For each scale of a picture."""
_LOOKS_AT_LARGE = (_Look(3, strips_of_bands), _Look(3, strips_of_bands), _Look(2), _Look(1), _Look(1))
"""For each scale of a large picture."""
_C2 = np.float32(0.0009)


class Reference:
    """A picture that others are compared with; values that depend only on it are computed once."""

    def __init__(self, picture: Image.Image) -> None:
        """Compute what depends only on the picture; transparent parts count as white."""
        self.picture = picture
        looks = _LOOKS_AT_LARGE if is_large(picture.size) else _LOOKS
        self._channels = [
            {channel: _Channel(plane, look, weights[channel]) for channel, plane in planes.items()}
            for planes, look, weights in zip(_sizes(picture), looks, _WEIGHTS, strict=True)
        ]

    def score(self, picture: Image.Image) -> float:
        """Return the visual score, 0 to 100, of another picture of the same size."""
        damage = sum(
            channels[channel].damage(plane)
            for channels, planes in zip(self._channels, _sizes(picture), strict=True)
            for channel, plane in planes.items()
        )
        return _of_damage(damage)


def _sizes(picture: Image.Image) -> list[dict[int, Plane]]:
    shown = on_white(picture)
    shown = shown if shown.mode == "RGB" else shown.convert("RGB")
    return sizes_of_large(shown, _WEIGHTS) if is_large(shown.size) else sizes(_continued(shown), _WEIGHTS)


def _continued(picture: Image.Image) -> Image.Image:
    """Return the picture, extended with mirror images until both sides are long enough."""
    width, height = picture.size
    if min(width, height) >= LEAST_SIDE:
        return picture
    if width < LEAST_SIDE:
        continued, mirrored, place = (width * 2, height), ImageOps.mirror(picture), (width, 0)
    else:
        continued, mirrored, place = (width, height * 2), ImageOps.flip(picture), (0, height)
    both = Image.new(picture.mode, continued)
    both.paste(picture)
    both.paste(mirrored, place)
    return _continued(both)


def _of_damage(damage: float) -> float:
    scaled = 0.9562382616834844 * damage
    bent = 6.248496625763138e-5 * scaled**3 - 0.020884521182843837 * scaled**2 + 2.326765642916932 * scaled
    return float(max(0.0, 100 - 10 * max(0.0, bent) ** 0.6276336467831387))


class _Channel:
    """One channel of the reference at one scale."""

    def __init__(self, plane: Plane, look: _Look, weights: _Weights) -> None:
        self._plane, self._step, self._weights = plane, look.step, weights
        self._strips = look.strips(len(plane))
        self._known = [self._of_reference(strip) for strip in self._strips]

    def _of_reference(self, strip: Strip) -> tuple[Plane, Plane, Plane]:
        """Return the mean, variance and edges of the reference."""
        near = self._plane[strip.near]
        mean, square = blurred([near, near * near], strip, self._step)
        return mean, square - mean * mean + _C2, _edges(self._plane, mean, strip, self._step)

    def damage(self, plane: Plane) -> float:
        weights, step = self._weights, self._step
        totals, count = np.zeros((3, 2)), 0
        for strip, (mean, variance, edges) in zip(self._strips, self._known, strict=True):
            near = plane[strip.near]
            planes = blurred([near, near * near, near * self._plane[strip.near]], strip, step)
            count += mean.size
            if any(weights.structure):
                totals[0] += _sums(_structure_lost(mean, variance, *planes))
            change = _edges(plane, planes[0], strip, step) / edges - 1
            if any(weights.added):
                totals[1] += _sums(np.maximum(change, 0))
            if any(weights.lost):
                totals[2] += _sums(np.maximum(-change, 0))
        means = totals / count
        means[:, 1] **= 0.25
        return float((means * weights).sum())


def _structure_lost(mean: Plane, variance: Plane, other: Plane, square: Plane, product: Plane) -> Plane:
    """Return 1 − SSIM, with SSIM's luminance term replaced, as that gives dark areas more weight."""
    kept = 2 * (product - mean * other) + _C2
    kept /= square - other * other + variance
    shift = mean - other
    kept *= 1 - shift * shift
    return np.maximum(1 - kept, 0)


def _edges(plane: Plane, mean: Plane, strip: Strip, step: int) -> Plane:
    edges: Plane = np.abs(plane[strip.own][::step, ::step] - mean)
    edges += 1
    return edges


def _sums(damage: Plane) -> _Norms:
    """Return the sum of the values and the sum of their fourth powers."""
    total = float(damage.sum())
    squares = np.square(damage, out=damage).ravel()
    return total, float(squares @ squares)
