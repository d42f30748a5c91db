"""Finding the quality that meets a promise in few encodes: so many bytes, or so alike."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from io import BytesIO
from math import log

from PIL import Image

from .codecs import decoding
from .limits import Deadline
from .similarity import similarity

# Below this quality every lossy format falls apart; above it bytes buy nothing that shows.
LOWEST, HIGHEST = 10, 95

# Close enough below the target to stop trying.
_SATISFIED = 0.97
_MOST_ENCODES = 8

# How alike, by SSIM, each aim asks for: on photographs small looks fine at a glance, balanced needs a careful
# look to tell, and near_identical is not told apart side by side.
AIMS: Mapping[str, float] = {"small": 0.93, "balanced": 0.965, "near_identical": 0.985}

Encode = Callable[[int], bytes]


@dataclass(frozen=True)
class Found:
    quality: int
    data: bytes


def largest_within(encode: Encode, target: int, deadline: Deadline, highest: int = HIGHEST) -> Found | None:
    """Return the best quality whose bytes do not exceed the target; None when even the lowest does.

    File size grows with quality almost exponentially, so each guess is read off that curve.
    """
    low = Found(LOWEST, encode(LOWEST))
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
            low = Found(guess, data)
        else:
            top, top_size = guess, len(data)
        guess = _between(low, top, top_size, target)
    return low


def _between(low: Found, top: int, top_size: int, target: int) -> int:
    """Return the quality at which the curve through both ends meets the target."""
    if not top_size:
        return (low.quality + top) // 2
    rise = log(top_size) - log(len(low.data))
    part = (log(target) - log(len(low.data))) / rise if rise > 0 else 0.5
    # Keep off the ends: a guess there halves nothing.
    return low.quality + round((top - low.quality) * min(0.85, max(0.15, part)))


def lowest_alike(
    encode: Encode, original: Image.Image, wanted: float, deadline: Deadline, lowest: int = 30
) -> tuple[Found, float]:
    """Return the lowest quality whose picture is at least this alike, and how alike it is."""
    best, best_score = None, 0.0
    low, top = lowest, HIGHEST
    while low <= top:
        deadline.check()
        middle = (low + top) // 2
        data = encode(middle)
        score = measured(data, original)
        if score >= wanted:
            best, best_score = Found(middle, data), score
            top = middle - 1
        else:
            low = middle + 1
    if best is None:
        data = encode(HIGHEST)
        return Found(HIGHEST, data), measured(data, original)
    return best, best_score


def measured(data: bytes, original: Image.Image) -> float:
    """Return how alike the encoded picture is to the original."""
    with decoding():
        encoded = Image.open(BytesIO(data))
        encoded.load()
        return round(similarity(original, encoded), 4)
