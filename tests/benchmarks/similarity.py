"""The similarity of two pictures: SSIM on luma, 1 for equal, and SSIMULACRA2, 100 for equal."""

from __future__ import annotations

import math
from collections.abc import Sequence
from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageSequence

from .judge import Judge

Plane = NDArray[np.float64]

_WINDOW = 8
_STEADY_MEAN, _STEADY_VARIANCE = (0.01 * 255) ** 2, (0.03 * 255) ** 2
_MOST_JUDGED = 600_000  # pixels: SSIMULACRA2 takes two seconds per megapixel


class Reference:
    """The reference for results: each frame of the source on white, resized to `width` by full Lanczos."""

    def __init__(self, data: bytes, width: int | None, judge: Judge) -> None:
        self._frames = _frames(data, width)
        self._judge = judge

    def similarity(self, data: bytes) -> float:
        """Return the mean SSIM of a file's frames; 0 if the size or number of frames differs."""
        found = self._alike(data)
        return float(np.mean([ssim(_luma(a), _luma(b)) for a, b in found])) if found else 0.0

    def score(self, data: bytes) -> float:
        """Return the SSIMULACRA2 of the middle or of some frames; 0 if the size or number of frames differs."""
        found = self._alike(data)
        if not found:
            return 0.0
        step = math.ceil(len(found) * math.prod(found[0][0].size) / _MOST_JUDGED)
        shown = found[:: min(step, len(found))]
        return self._judge.score(*(_below_each_other(list(frames)) for frames in zip(*shown, strict=True)))

    def _alike(self, data: bytes) -> list[tuple[Image.Image, Image.Image]]:
        found = _frames(data, None)
        if [frame.size for frame in found] != [frame.size for frame in self._frames]:
            return []
        return list(zip(self._frames, found, strict=True))


def ssim(first: Plane, second: Plane) -> float:
    """Return the mean SSIM over all 8×8 windows of two luma planes of the same size."""
    mean_a, mean_b = _mean(first), _mean(second)
    variance_a = _mean(first * first) - mean_a**2
    variance_b = _mean(second * second) - mean_b**2
    covariance = _mean(first * second) - mean_a * mean_b
    likeness = (2 * mean_a * mean_b + _STEADY_MEAN) * (2 * covariance + _STEADY_VARIANCE)
    span = (mean_a**2 + mean_b**2 + _STEADY_MEAN) * (variance_a + variance_b + _STEADY_VARIANCE)
    return float((likeness / span).mean())


def _frames(data: bytes, width: int | None) -> list[Image.Image]:
    with Image.open(BytesIO(data)) as image:
        return [_shown(frame, width) for frame in ImageSequence.Iterator(image)]


def _shown(frame: Image.Image, width: int | None) -> Image.Image:
    if frame.mode not in ("L", "RGB"):
        clear = frame.convert("RGBA")
        base = Image.new("RGBA", clear.size, "white")
        base.alpha_composite(clear)
        frame = base.convert("RGB")
    if not width:
        return frame.copy()
    height = max(1, int(frame.height * width / frame.width + 0.5))
    return frame.resize((width, height), Image.Resampling.LANCZOS)


def _luma(frame: Image.Image) -> Plane:
    return np.asarray(frame.convert("L"), dtype=np.float64)


def _below_each_other(frames: Sequence[Image.Image]) -> Image.Image:
    """Return the frames stacked in one picture, or the middle of a large frame."""
    width, height = frames[0].size
    scale = min(1.0, math.sqrt(_MOST_JUDGED / (width * height)))
    part = round(width * scale), round(height * scale)
    left, top = (width - part[0]) // 2, (height - part[1]) // 2
    joined = Image.new("RGB", (part[0], part[1] * len(frames)))
    for number, frame in enumerate(frames):
        joined.paste(frame.crop((left, top, left + part[0], top + part[1])), (0, part[1] * number))
    return joined


def _mean(plane: Plane) -> Plane:
    sums = np.pad(plane.cumsum(0).cumsum(1), ((1, 0), (1, 0)))
    w = _WINDOW
    means: Plane = (sums[w:, w:] - sums[:-w, w:] - sums[w:, :-w] + sums[:-w, :-w]) / w**2
    return means
