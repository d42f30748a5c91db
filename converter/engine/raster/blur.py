"""Gaussian blur by matrix products, at every so many rows and columns.

Beyond its borders a plane goes on as in the Python package `ssimulacra2`, which the scores are checked against: mirrored
above and below, empty beside. libjxl has it empty all around, which hides some damage there.
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
_ROWS = 36  # a multiple of each step; so many and what is computed of them stay in the processor's cache


class Strip(NamedTuple):
    """Some rows, or columns."""

    own: slice
    near: slice
    """With those that a blur of them needs."""


def strips(length: int) -> list[Strip]:
    """Return the strips of a plane with so many rows."""
    return [
        Strip(
            slice(start, min(start + _ROWS, length)),
            slice(max(0, start - _RADIUS), min(start + _ROWS + _RADIUS, length)),
        )
        for start in range(0, length, _ROWS)
    ]


def blurred(planes: Sequence[Plane], strip: Strip, step: int) -> Plane:
    """Return planes of the rows near a strip, blurred at every so many of its rows, and of all columns."""
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
    """Return what each of the values counts for in each of the blurred ones, mirrored where they end."""
    places = np.arange(first, last, step)
    weights = np.zeros((len(places), length), np.float32)
    gauss = np.exp(-0.5 * (np.arange(-_RADIUS, _RADIUS + 1) / _SIGMA) ** 2)
    for offset, weight in enumerate(gauss / gauss.sum(), -_RADIUS):
        source = (places + offset) % (2 * length)
        weights[range(len(places)), np.minimum(source, 2 * length - 1 - source)] += weight
    return weights
