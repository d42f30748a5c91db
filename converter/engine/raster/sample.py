"""Representative parts of a large picture, combined into one picture."""

from __future__ import annotations

from collections.abc import Sequence

from PIL import Image

from .geometry import Size

_MOST_PIXELS = 2_000_000
# A multiple of the block size of JPEG and WebP, so that no block spans two parts.
_SIDE = 320
_GRIDS = ((4, 3), (3, 4), (6, 2), (2, 6), (12, 1), (1, 12))

Box = tuple[int, int, int, int]


def tiles(size: Size) -> Sequence[Box] | None:
    """Return the boxes of evenly spaced parts, row by row; None if the picture is small or too narrow."""
    width, height = size
    if width * height <= _MOST_PIXELS:
        return None
    for across, down in _GRIDS:
        if width >= across * _SIDE and height >= down * _SIDE:
            lefts, tops = _starts(width, across), _starts(height, down)
            return [(left, top, left + _SIDE, top + _SIDE) for top in tops for left in lefts]
    return None


def montage(image: Image.Image, boxes: Sequence[Box]) -> Image.Image:
    """Return one picture with these parts side by side."""
    columns = len({left for left, *_ in boxes})
    whole = Image.new(image.mode, (columns * _SIDE, len(boxes) // columns * _SIDE))
    for number, box in enumerate(boxes):
        row, column = divmod(number, columns)
        whole.paste(image.crop(box), (column * _SIDE, row * _SIDE))
    return whole


def _starts(length: int, count: int) -> list[int]:
    """Return the starts of `count` parts with equal gaps between them and at both ends."""
    room = (length - count * _SIDE) / (count + 1)
    return [round(room + number * (room + _SIDE)) for number in range(count)]
