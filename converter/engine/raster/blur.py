"""Gaussian blur by matrix products, evaluated at every n-th row and column.

Borders are handled as in the Python package `ssimulacra2`, which the scores are checked against: planes are
mirrored at the top and bottom, and padded with zeros at the sides. libjxl pads all four sides with zeros,
which hides some damage there.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

Plane = NDArray[np.float32]

_RADIUS, _SIGMA = 5, 1.5
_ROWS = 36  # a multiple of each step; this many rows and their intermediate results fit in the CPU cache

_OWN_ROWS = 4
BAND = _OWN_ROWS + 2 * _RADIUS
"""The rows of a band that stands for the rows around it, including the neighbours needed to blur it."""


class Strip(NamedTuple):
    """A range of rows."""

    own: slice
    near: slice
    """The same rows plus the neighbours needed to blur them."""


def strips(length: int) -> list[Strip]:
    """Return the strips that divide a plane of `length` rows."""
    return [
        Strip(
            slice(start, min(start + _ROWS, length)),
            slice(max(0, start - _RADIUS), min(start + _ROWS + _RADIUS, length)),
        )
        for start in range(0, length, _ROWS)
    ]


def strips_of_bands(length: int) -> list[Strip]:
    """Return the middle of each band in a plane of bands that do not adjoin in the picture."""
    return [
        Strip(slice(start + _RADIUS, start + _RADIUS + _OWN_ROWS), slice(start, start + BAND))
        for start in range(0, length, BAND)
    ]


def blurred(planes: Sequence[Plane], strip: Strip, step: int) -> Plane:
    """Return the blurred planes at every `step`-th row of the strip and every `step`-th column.

    `planes` hold the rows `strip.near`.
    """
    own, near = strip
    down = _weights(own.start - near.start, own.stop - near.start, near.stop - near.start, step)
    across = _weights(_RADIUS, _RADIUS + _ROWS, _ROWS + 2 * _RADIUS, step)
    width = planes[0].shape[1]
    blocks = -(-width // _ROWS)
    rows = np.zeros((len(planes), len(down), blocks * _ROWS + 2 * _RADIUS), np.float32)
    for plane, blurred_down in zip(planes, rows, strict=True):
        np.matmul(down, plane, out=blurred_down[:, _RADIUS : _RADIUS + width])
    windows = sliding_window_view(rows, _ROWS + 2 * _RADIUS, axis=2)[:, :, ::_ROWS]
    found = np.empty((len(planes), len(down), blocks, len(across)), np.float32)
    np.matmul(windows.swapaxes(1, 2), across.T, out=found.swapaxes(1, 2))
    return found.reshape(len(planes), len(down), -1)[:, :, : -(-width // step)]


@lru_cache(500)
def _weights(first: int, last: int, length: int, step: int) -> Plane:
    """Return the weight of each value in each blurred value, mirrored at both ends."""
    places = np.arange(first, last, step)
    weights = np.zeros((len(places), length), np.float32)
    gauss = np.exp(-0.5 * (np.arange(-_RADIUS, _RADIUS + 1) / _SIGMA) ** 2)
    for offset, weight in enumerate(gauss / gauss.sum(), -_RADIUS):
        source = (places + offset) % (2 * length)
        weights[range(len(places)), np.minimum(source, 2 * length - 1 - source)] += weight
    return weights
