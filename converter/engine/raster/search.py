"""Find the quality that meets a file size or a visual score, with few encodes."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import exp, log
from typing import Generic, NamedTuple, TypeVar

import numpy as np

from converter.engine.limits import Deadline

# Below the lowest quality, every lossy format looks broken; above the highest, more bytes make no visible
# difference.
LOWEST, HIGHEST = 10, 95
_LOWEST_OF_ALL = 1

# The share of the target size at which the search stops.
_SATISFIED = 0.97
_MOST_ENCODES = 8
_LEAST_LOSS = 0.1  # of the visual score
_MOST_ABOVE = 2.5
_SLOWER = 2  # another quality may take this many times as long as the slowest so far


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
class Usual:
    """The visual scores that pictures usually get, as pairs of score and quality, both rising."""

    pairs: Sequence[tuple[float, int]]

    def loss(self, quality: int) -> float:
        """Return how much the usual score at this quality is below 100."""
        scores, qualities = zip(*self.pairs, strict=True)
        return 100 - float(np.interp(quality, qualities, scores))

    def quality(self, loss: float) -> int:
        """Return the quality that usually has this loss."""
        scores, qualities = zip(*self.pairs, strict=True)
        return round(float(np.interp(100 - loss, scores, qualities)))


@dataclass(frozen=True)
class Plan:
    """How to search for a score: the first quality, and the tolerances above the aim after one try, two and so on."""

    first: int
    near: Sequence[float]
    usual: Usual

    def tolerance(self, tries: int) -> float:
        """Return how far above the aim a score may be after this many tries."""
        return self.near[min(tries, len(self.near)) - 1]

    def wanted(self, aim: float, tries: int) -> float:
        """Return the score to expect of the next try: the middle of its tolerance, unless that wastes bytes."""
        return aim + min(self.tolerance(tries + 1), _MOST_ABOVE) / 2

    def resumed(self, first: int, tries: int) -> Plan:
        """Return the plan to go on with from this quality, in another mode, after some tries."""
        return replace(self, first=first, near=self.near[tries:] or self.near[-1:])


def thorough(score: float, usual: Usual) -> Plan:
    """Return the plan for small pictures."""
    return _plan(score, (1.0,), usual)


def quick(score: float, usual: Usual) -> Plan:
    """Return the plan for tries that take long."""
    return _plan(score, (2.5, 3.0, 6.0), usual)


def rough(score: float, usual: Usual) -> Plan:
    """Return the plan for comparing formats by bytes at about this score."""
    return _plan(score, (4.0, 6.0), usual)


def _plan(score: float, near: Sequence[float], usual: Usual) -> Plan:
    plan = Plan(HIGHEST, near, usual)
    return replace(plan, first=usual.quality(100 - plan.wanted(score, 0)))


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


class Alike(NamedTuple):
    """The lowest quality that reaches the aim, or else the highest tried."""

    found: EncodedAt
    score: float
    guess: int
    """The quality at which the next try would reach the aim."""
    tries: int


def lowest_alike(
    encode: Encode,
    measure: Measure,
    aim: QualityTarget,
    deadline: Deadline,
    plan: Plan,
    highest: int = HIGHEST,
    may_leave: bool = False,
) -> Alike:
    """Search for the lowest quality that reaches the aim.

    Each guess assumes that the loss, 100 less the score, is in proportion to the usual one. With `may_leave`, the
    search ends once that takes more than the highest quality. Raises TimedOut, but not once a quality has been
    tried.
    """
    tried: dict[int, tuple[float, bytes]] = {}

    def judged(quality: int) -> tuple[float, bytes]:
        data = encode(quality)
        return measure(data), data

    timed = _Timed(judged, deadline)
    low, top = aim.lowest - 1, highest + 1
    guess, leaves = plan.first, False
    while low + 1 < top and not leaves and (not tried or timed.has_time):
        quality = min(top - 1, max(low + 1, guess))
        tried[quality] = timed(quality)
        if tried[quality][0] >= aim.score:
            top = quality
        else:
            low = quality
        if top in tried and tried[top][0] <= aim.score + plan.tolerance(len(tried)):
            break
        losses = {each: 100 - score for each, (score, _) in tried.items()}
        guess = _guessed(losses, low, top, 100 - plan.wanted(aim.score, len(tried)), plan.usual)
        leaves = may_leave and top not in tried and guess > highest
    best = top if top in tried else max(tried)
    found, data = tried[best]
    cut_short = best < min(top, highest) and not leaves
    return Alike(EncodedAt(best, data, cut_short), found, guess, len(tried))


def _guessed(losses: Mapping[int, float], low: int, top: int, wanted: float, usual: Usual) -> int:
    """Return the quality at which the loss is the wanted one.

    Its logarithm is interpolated between both ends, on the scale of the usual one's. If only one end was tried, both
    differ by the same.
    """
    known = top if top in losses else low
    ratio = log(max(wanted, _LEAST_LOSS) / max(losses[known], _LEAST_LOSS))
    if low not in losses or top not in losses:
        return usual.quality(usual.loss(known) * exp(ratio))
    whole = log(max(losses[low], _LEAST_LOSS) / max(losses[top], _LEAST_LOSS))
    part = min(0.9, max(0.1, ratio / whole if whole > 0 else 0.5))
    between = usual.quality(usual.loss(top) * (usual.loss(low) / usual.loss(top)) ** part)
    return min(top - 1, max(low + 1, between))
