"""Parts of a large picture that stand for all of it, put together as one picture."""

from __future__ import annotations

from collections.abc import Sequence

from PIL import Image

from .geometry import Size

_MOST_PIXELS = 2_000_000
# The side is a multiple of the blocks of JPEG and WebP, so that none straddles two parts.
_ACROSS, _DOWN, _SIDE = 4, 3, 320

Box = tuple[int, int, int, int]


def tiles(size: Size) -> Sequence[Box] | None:
    """Return the boxes of evenly spaced parts; None if the whole picture is not much larger."""
    width, height = size
    if width * height <= _MOST_PIXELS or width < _ACROSS * _SIDE or height < _DOWN * _SIDE:
        return None
    return [
        (left, top, left + _SIDE, top + _SIDE)
        for top in _starts(height, _DOWN)
        for left in _starts(width, _ACROSS)
    ]


def montage(image: Image.Image, boxes: Sequence[Box]) -> Image.Image:
    """Return these parts side by side."""
    whole = Image.new(image.mode, (_ACROSS * _SIDE, _DOWN * _SIDE))
    for number, box in enumerate(boxes):
        down, across = divmod(number, _ACROSS)
        whole.paste(image.crop(box), (across * _SIDE, down * _SIDE))
    return whole


def _starts(length: int, count: int) -> list[int]:
    """Return where parts begin that have the same distance between them as at the ends."""
    room = (length - count * _SIDE) / (count + 1)
    return [round(room + number * (room + _SIDE)) for number in range(count)]
