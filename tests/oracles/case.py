"""A file of the test matrix, and the picture that it encodes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.float64]
Rgba = NDArray[np.uint8]

WIDTH, HEIGHT = 21, 18
"""Not multiples of eight, so that errors in the padding of rows, strips and tiles show."""


@dataclass(frozen=True)
class Case:
    """A test case. `within` is the tolerance per sample: 1 for rounding, more where decoders may differ."""

    name: str
    data: bytes = field(repr=False)
    witnesses: Sequence[str]
    within: int = 1


def picture(channels: int, width: int = WIDTH, height: int = HEIGHT) -> Samples:
    """Return samples from 0 to 1 inclusive: ramps in several directions, with black, white and steps."""
    down, across = np.mgrid[0:height, 0:width]
    across, down = across / (width - 1), down / (height - 1)
    ramps = [across, down, 1 - (across + down) / 2, (across + 1 - down) / 2, 1 - across * down]
    bands = np.stack(ramps[:channels], axis=-1)
    bands[: height // 4, : width // 4] = 0
    bands[-(height // 4) :, -(width // 4) :] = 1
    return bands


def whole_numbers(samples: Samples, bits: int) -> NDArray[np.uint64]:
    """Return the samples as integers of `bits` bits."""
    return np.round(samples * ((1 << bits) - 1)).astype(np.uint64)


def distance(ours: Rgba, other: Rgba) -> int:
    """Return the largest difference in alpha or in a colour multiplied by alpha."""
    if ours.shape != other.shape:
        return 255
    first, second = (_weighted(pixels) for pixels in (ours, other))
    return round(float(np.abs(first - second).max()))


def _weighted(pixels: Rgba) -> Samples:
    alpha = pixels[..., 3:].astype(np.float64)
    return np.concatenate([pixels[..., :3] * alpha / 255, alpha], axis=2)
