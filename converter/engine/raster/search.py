"""Finding the quality that meets a promise in few encodes: so many bytes, or so alike."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import log

from converter.engine.limits import Deadline

# Below this quality every lossy format falls apart; above it bytes buy nothing that shows.
LOWEST, HIGHEST = 10, 95

# Close enough below the target to stop trying.
_SATISFIED = 0.97
_MOST_ENCODES = 8


@dataclass(frozen=True)
class QualityTarget:
    """How alike, by SSIM, and within which qualities: grain would ask for too much, smooth skies for too little."""

    similarity: float
    lowest: int
    highest: int


# At a glance fine; hard to tell when looked at with care; not told apart side by side. Chosen on photographs at
# 1600 pixels, where JPEG 80 has 0.94 on fur and grass, and 0.99 on smooth surfaces.
AIMS: Mapping[str, QualityTarget] = {
    "small": QualityTarget(0.92, 30, 75),
    "balanced": QualityTarget(0.95, 50, 88),
    "near_identical": QualityTarget(0.98, 75, HIGHEST),
}

Encode = Callable[[int], bytes]
Measure = Callable[[bytes], float]


@dataclass(frozen=True)
class EncodedAt:
    quality: int
    data: bytes


def largest_within(
    encode: Encode, target: int, deadline: Deadline, highest: int = HIGHEST
) -> EncodedAt | None:
    """Return the best quality whose bytes do not exceed the target; None when even the lowest does.

    File size grows with quality almost exponentially, so each guess is read off that curve.
    """
    low = EncodedAt(LOWEST, encode(LOWEST))
    if len(low.data) > target:
        return None
    top, top_size = highest + 1, 0
    guess = highest if len(low.data) * 3 < target else (LOWEST + highest) // 2
    for _ in range(_MOST_ENCODES - 1):
        if low.quality >= top - 1 or len(low.data) >= _SATISFIED * target:
            break
        deadline.check()
        guess = min(top - 1, max(low.quality + 1, guess))
        data = encode(guess)
        if len(data) <= target:
            low = EncodedAt(guess, data)
        else:
            top, top_size = guess, len(data)
        guess = _between(low, top, top_size, target)
    return low


def _between(low: EncodedAt, top: int, top_size: int, target: int) -> int:
    """Return the quality at which the curve through both ends meets the target."""
    if not top_size:
        return (low.quality + top) // 2
    rise = log(top_size) - log(len(low.data))
    part = (log(target) - log(len(low.data))) / rise if rise > 0 else 0.5
    # Keep off the ends: a guess there halves nothing.
    return low.quality + round((top - low.quality) * min(0.85, max(0.15, part)))


def lowest_alike(
    encode: Encode, measure: Measure, aim: QualityTarget, deadline: Deadline
) -> tuple[EncodedAt, float]:
    """Return the lowest quality that meets the aim, or the highest that it allows, and how alike it is."""
    found = EncodedAt(aim.highest, encode(aim.highest))
    score = measure(found.data)
    low, top = aim.lowest, aim.highest - 1
    while low <= top and score >= aim.similarity:
        deadline.check()
        middle = (low + top) // 2
        data = encode(middle)
        middle_score = measure(data)
        if middle_score >= aim.similarity:
            found, score, top = EncodedAt(middle, data), middle_score, middle - 1
        else:
            low = middle + 1
    return found, score
