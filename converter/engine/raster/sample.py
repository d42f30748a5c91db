"""Representative parts of a large picture."""

from __future__ import annotations

from collections.abc import Sequence

from .geometry import Size

_LARGE = 2_000_000  # pixels
LEAST_SIDE = 64
"""Enough for every scale of the visual score, to which shorter sides are extended."""
_BANDS = 16
_GOLDEN = 0.618034  # the golden ratio, whose multiples are evenly spread between whole numbers

Box = tuple[int, int, int, int]


def is_large(size: Size) -> bool:
    """Return whether bands of a picture of this size can represent it."""
    return size[0] * size[1] > _LARGE and min(size) >= LEAST_SIDE


def bands(size: Size, rows: int) -> Sequence[Box]:
    """Return the boxes of up to 16 bands of this many rows.

    They are spread evenly but not regularly, as lines of text are regular, too.
    """
    width, height = size
    count = min(_BANDS, height // rows)
    room = height / count - rows
    tops = [number * height // count + int(room * (number * _GOLDEN % 1)) for number in range(count)]
    return [(0, top, width, top + rows) for top in tops]
