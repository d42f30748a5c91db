"""Running sums along the rows of a picture, of numbers of one or more bytes, with one picture per byte."""

from __future__ import annotations

from collections.abc import Sequence

from PIL import Image, ImageChops

_ANY = [0, *(255 * [1])]


def running_sums(planes: Sequence[Image.Image], step: int) -> Sequence[Image.Image]:
    """Return for each number the sum of itself and all to its left at this step; the lowest octet comes first.

    Numbers are added to their neighbours, the sums of two to those beside them, of four, and so on.
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
        # What has run over is less than what was added to.
        over = ImageChops.subtract(one, total)
        if carried:
            over = ImageChops.lighter(over, ImageChops.subtract(total, whole))
        carried = over.point(_ANY)
    return totals


def _moved(plane: Image.Image, across: int) -> Image.Image:
    moved = Image.new("L", plane.size)
    moved.paste(plane, (across, 0))
    return moved
