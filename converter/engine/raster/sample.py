"""Representative parts of a large picture, combined into one picture."""

from __future__ import annotations

from collections.abc import Sequence

from PIL import Image

from .geometry import Size

# The side of each part, for trying qualities and for judging a file: multiples of the block size of JPEG and
# WebP, so that no block spans two parts.
TRIED, JUDGED = 320, 960
# Pictures that are smaller than this many parts are taken whole.
_ENOUGH = 20
_GRIDS = ((4, 3), (3, 4), (6, 2), (2, 6), (12, 1), (1, 12))

Box = tuple[int, int, int, int]


def tiles(size: Size, side: int) -> Sequence[Box] | None:
    """Return the boxes of twelve evenly spaced parts, row by row; None if the picture is small or too narrow."""
    width, height = size
    if width * height <= _ENOUGH * side * side:
        return None
    for across, down in _GRIDS:
        if width >= across * side and height >= down * side:
            lefts, tops = _starts(width, across, side), _starts(height, down, side)
            return [(left, top, left + side, top + side) for top in tops for left in lefts]
    return tiles(size, TRIED) if side > TRIED else None


def montage(image: Image.Image, boxes: Sequence[Box]) -> Image.Image:
    """Return one picture with these parts side by side."""
    columns = len({left for left, *_ in boxes})
    side = boxes[0][2] - boxes[0][0]
    whole = Image.new(image.mode, (columns * side, len(boxes) // columns * side))
    for number, box in enumerate(boxes):
        row, column = divmod(number, columns)
        whole.paste(image.crop(box), (column * side, row * side))
    return whole


def _starts(length: int, count: int, side: int) -> list[int]:
    """Return the starts of `count` parts with equal gaps between them and at both ends."""
    room = (length - count * side) / (count + 1)
    return [round(room + number * (room + side)) for number in range(count)]
