"""Find the quality that meets a file size or a visual score, with few encodes."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import log
from typing import Generic, TypeVar

from converter.engine.limits import Deadline

# Below the lowest quality, every lossy format looks broken; above the highest, more bytes make no visible
# difference.
LOWEST, HIGHEST = 10, 95
_LOWEST_OF_ALL = 1

# The share of the target size at which the search stops.
_SATISFIED = 0.97
_MOST_ENCODES = 8
_SLOWER = 2  # another quality may take this many times as long as the slowest so far

_SLOPE = 0.7  # the usual rise of the score per quality step


@dataclass(frozen=True)
class QualityTarget:
    """The score to reach, and the lowest quality: below it, smooth pictures show banding that scores miss."""

    score: float
    lowest: int


# SSIMULACRA2 of 60, 70 and 82: fine at a glance; differences hard to see; identical side by side. The extra
# half point compensates for what the score leaves out.
AIMS: Mapping[str, QualityTarget] = {
    "small": QualityTarget(60.5, 25),
    "balanced": QualityTarget(70.5, 40),
    "near_identical": QualityTarget(82.5, 60),
}


@dataclass(frozen=True)
class Plan:
    """How to search for a score: the first quality, and the tolerances above the aim after one try, two and so on."""

    first: int
    near: Sequence[float]


THOROUGH = Plan(first=75, near=(1.0,))


def quick(first: int) -> Plan:
    """Return the plan for tries that take long. `first` is the quality that usually suffices."""
    return Plan(first, near=(2.0, 3.0, 6.0))


T = TypeVar("T")
Encode = Callable[[int], bytes]
Measure = Callable[[bytes], float]


@dataclass(frozen=True)
class EncodedAt:
    """An encoded file and its quality. `cut_short` is set if the deadline ended the search early."""

    quality: int
    data: bytes
    cut_short: bool = False


class _Timed(Generic[T]):
    """A function of the quality that tells whether there is time to run it again before the deadline."""

    def __init__(self, run: Callable[[int], T], deadline: Deadline) -> None:
        self._run = run
        self._deadline = deadline
        self._slowest = 0.0

    def __call__(self, quality: int) -> T:
        """Raises TimedOut."""
        self._deadline.check()
        start = time.monotonic()
        result = self._run(quality)
        self._slowest = max(self._slowest, time.monotonic() - start)
        return result

    @property
    def has_time(self) -> bool:
        return self._deadline.leaves(self._slowest * _SLOWER)


def largest_within(
    encode: Encode,
    target: int,
    deadline: Deadline,
    highest: int = HIGHEST,
    lowest: int = LOWEST,
    may_fall_apart: bool = False,
) -> EncodedAt | None:
    """Return the highest quality whose file does not exceed the target; None if even the lowest does.

    File size grows almost exponentially with quality, so each guess is interpolated on that curve. With
    `may_fall_apart`, the codec's lowest qualities are tried too. Raises TimedOut, but not once a quality
    fits.
    """
    timed = _Timed(encode, deadline)
    low = EncodedAt(lowest, timed(lowest))
    if len(low.data) > target:
        if not may_fall_apart:
            return None
        return largest_within(encode, target, deadline, lowest - 1, _LOWEST_OF_ALL)
    top, top_size = highest + 1, 0
    guess = highest if len(low.data) * 3 < target else (lowest + highest) // 2
    for _ in range(_MOST_ENCODES - 1):
        if low.quality >= top - 1 or len(low.data) >= _SATISFIED * target:
            break
        if not timed.has_time:
            return replace(low, cut_short=True)
        guess = min(top - 1, max(low.quality + 1, guess))
        data = timed(guess)
        if len(data) <= target:
            low = EncodedAt(guess, data)
        else:
            top, top_size = guess, len(data)
        guess = _between(low, top, top_size, target)
    return low


def _between(low: EncodedAt, top: int, top_size: int, target: int) -> int:
    """Return the quality at which the exponential curve through both ends meets the target."""
    if not top_size:
        return (low.quality + top) // 2
    rise = log(top_size) - log(len(low.data))
    part = (log(target) - log(len(low.data))) / rise if rise > 0 else 0.5
    # Stay away from the ends, where a guess hardly narrows the range.
    return low.quality + round((top - low.quality) * min(0.85, max(0.15, part)))


def lowest_alike(
    encode: Encode,
    measure: Measure,
    aim: QualityTarget,
    deadline: Deadline,
    plan: Plan = THOROUGH,
    highest: int = HIGHEST,
) -> tuple[EncodedAt, float]:
    """Return the lowest quality that reaches the aim, or else the highest tried, and its score.

    Scores rise almost linearly with quality, so each guess is interpolated on a line. Raises TimedOut, but
    not once a quality has been tried.
    """
    tried: dict[int, tuple[float, bytes]] = {}

    def judged(quality: int) -> tuple[float, bytes]:
        data = encode(quality)
        return measure(data), data

    timed = _Timed(judged, deadline)

    def at(quality: int) -> float:
        tried[quality] = timed(quality)
        return tried[quality][0]

    low, top = aim.lowest - 1, highest + 1
    guess = plan.first
    while low + 1 < top and (not tried or timed.has_time):
        guess = min(top - 1, max(low + 1, guess))
        reached = at(guess)
        if reached >= aim.score:
            top = guess
        else:
            low = guess
        near = plan.near[min(len(tried), len(plan.near)) - 1]
        if top in tried and tried[top][0] <= aim.score + near:
            break
        guess = _on_line(tried, low, top, aim.score + plan.near[0] / 2)
    best = top if top in tried else max(tried)
    found, data = tried[best]
    return EncodedAt(best, data, cut_short=best < min(top, highest)), found


def _on_line(tried: Mapping[int, tuple[float, bytes]], low: int, top: int, wanted: float) -> int:
    """Return the quality at which the line through both ends meets the score.

    If only one end was tried, the line goes through it and the nearest other quality tried.
    """
    if low in tried and top in tried:
        rise = tried[top][0] - tried[low][0]
        part = (wanted - tried[low][0]) / rise if rise > 0 else 0.5
        return low + round((top - low) * min(0.9, max(0.1, part)))
    known = low if low in tried else top
    others = sorted((abs(quality - known), quality) for quality in tried if quality != known)
    slope = _SLOPE
    if others:
        far, other = others[0]
        slope = max(_SLOPE / 4, abs(tried[other][0] - tried[known][0]) / far)
    return known + round((wanted - tried[known][0]) / slope)
