"""Compute running sums along rows of numbers with one or more bytes, given as one image per byte."""

from __future__ import annotations

from collections.abc import Sequence

from PIL import Image, ImageChops

_ANY = [0, *(255 * [1])]


def running_sums(planes: Sequence[Image.Image], step: int) -> Sequence[Image.Image]:
    """Return the sum of each number and all numbers to its left at multiples of `step`, low byte first.

    Adds each number to its neighbour, then sums of two, of four and so on (a parallel prefix sum).
    """
    shift = step
    while shift < planes[0].width:
        planes = _added(planes, [_moved(plane, shift) for plane in planes])
        shift *= 2
    return planes


def _added(planes: Sequence[Image.Image], others: Sequence[Image.Image]) -> Sequence[Image.Image]:
    totals: list[Image.Image] = []
    carried: Image.Image | None = None
    for one, other in zip(planes, others, strict=True):
        total = ImageChops.add_modulo(one, other)
        whole = ImageChops.add_modulo(total, carried) if carried else total
        totals.append(whole)
        if len(totals) == len(planes):
            break
        # After an overflow, the total is less than each addend.
        over = ImageChops.subtract(one, total)
        if carried:
            over = ImageChops.lighter(over, ImageChops.subtract(total, whole))
        carried = over.point(_ANY)
    return totals


def _moved(plane: Image.Image, across: int) -> Image.Image:
    moved = Image.new("L", plane.size)
    moved.paste(plane, (across, 0))
    return moved
