"""How alike two pictures look: SSIM on luma, 1 for the same picture."""

from __future__ import annotations

from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageSequence

Plane = NDArray[np.float64]

_WINDOW = 8
_STEADY_MEAN, _STEADY_VARIANCE = (0.01 * 255) ** 2, (0.03 * 255) ** 2


def ssim(first: Plane, second: Plane) -> float:
    """Return the mean over all 8×8 windows of two luma planes of one size."""
    mean_a, mean_b = _mean(first), _mean(second)
    variance_a = _mean(first * first) - mean_a**2
    variance_b = _mean(second * second) - mean_b**2
    covariance = _mean(first * second) - mean_a * mean_b
    likeness = (2 * mean_a * mean_b + _STEADY_MEAN) * (2 * covariance + _STEADY_VARIANCE)
    span = (mean_a**2 + mean_b**2 + _STEADY_MEAN) * (variance_a + variance_b + _STEADY_VARIANCE)
    return float((likeness / span).mean())


def lumas(data: bytes, width: int | None = None) -> list[Plane]:
    """Return the luma plane of each frame, on white, shrunk to `width` by a plain Lanczos filter of all pixels."""
    with Image.open(BytesIO(data)) as image:
        return [_luma(frame, width) for frame in ImageSequence.Iterator(image)]


def alike(data: bytes, reference: list[Plane]) -> float:
    """Return the mean SSIM of a file's frames to those of the reference; 0 when it has another size or count."""
    found = lumas(data)
    if [plane.shape for plane in found] != [plane.shape for plane in reference]:
        return 0.0
    return float(np.mean([ssim(a, b) for a, b in zip(found, reference, strict=True)]))


def _luma(frame: Image.Image, width: int | None) -> Plane:
    if frame.mode not in ("L", "RGB"):
        clear = frame.convert("RGBA")
        base = Image.new("RGBA", clear.size, "white")
        base.alpha_composite(clear)
        frame = base.convert("RGB")
    if width:
        height = max(1, int(frame.height * width / frame.width + 0.5))
        frame = frame.resize((width, height), Image.Resampling.LANCZOS)
    return np.asarray(frame.convert("L"), dtype=np.float64)


def _mean(plane: Plane) -> Plane:
    sums = np.pad(plane.cumsum(0).cumsum(1), ((1, 0), (1, 0)))
    w = _WINDOW
    means: Plane = (sums[w:, w:] - sums[:-w, w:] - sums[w:, :-w] + sums[:-w, :-w]) / w**2
    return means
