"""Choose the part of a picture to keep when it is cropped: the one with the most detail.

In a small copy, edges (detail, text, faces) and strong colours count, and the middle counts a little more.
The window with the highest sum wins.
"""

from __future__ import annotations

from itertools import accumulate

from PIL import Image, ImageChops, ImageFilter

from .geometry import Box

_SIDE = 128
_STEPS = 64


def focused(image: Image.Image, box: Box, kept: tuple[float, float]) -> tuple[float, float]:
    """Return the left and top, relative to `box`, of the part of size `kept` with the most detail."""
    left, top, right, bottom = box
    width, height = right - left, bottom - top
    weights = _weights(image, box)
    across = _best(_sums(weights, horizontally=True), width, kept[0])
    down = _best(_sums(weights, horizontally=False), height, kept[1])
    return across, down


def _weights(image: Image.Image, box: Box) -> Image.Image:
    small = image.resize((_SIDE, _SIDE), Image.Resampling.BOX, box=box)
    if small.mode in ("LA", "RGBA"):
        base = Image.new("RGBA", small.size, "white")
        base.alpha_composite(small.convert("RGBA"))
        small = base
    color = small.convert("RGB")
    edges = color.convert("L").filter(ImageFilter.FIND_EDGES)
    # The filter copies the outermost pixels unchanged; they are not edges.
    edges.paste(0, (0, 0, _SIDE, 1))
    edges.paste(0, (0, _SIDE - 1, _SIDE, _SIDE))
    edges.paste(0, (0, 0, 1, _SIDE))
    edges.paste(0, (_SIDE - 1, 0, _SIDE, _SIDE))
    saturation = color.convert("HSV").getchannel("S").point([value // 4 for value in range(256)])
    return ImageChops.add(edges, saturation)


def _sums(weights: Image.Image, horizontally: bool) -> list[int]:
    """Return the weight of each column, or of each row, slightly increased towards the middle."""
    size = (_SIDE, 1) if horizontally else (1, _SIDE)
    line = weights.resize(size, Image.Resampling.BOX).tobytes()
    half = _SIDE / 2
    return [round(value * (100 + 20 * (1 - abs(at + 0.5 - half) / half))) for at, value in enumerate(line)]


def _best(sums: list[int], length: float, kept: float) -> float:
    """Return the start of the window of size `kept` with the highest sum, on a tie nearest the middle."""
    slack = length - kept
    if slack <= 0:
        return 0.0
    totals = [0, *accumulate(sums)]

    def gathered(start: float) -> float:
        first, last = start / length * _SIDE, (start + kept) / length * _SIDE
        return _at(totals, last) - _at(totals, first)

    starts = sorted(
        (slack * step / _STEPS for step in range(_STEPS + 1)), key=lambda start: abs(start - slack / 2)
    )
    return max(starts, key=gathered)


def _at(totals: list[int], place: float) -> float:
    """Return the running total at a position between two columns."""
    whole = min(int(place), _SIDE - 1)
    return totals[whole] + (totals[whole + 1] - totals[whole]) * (place - whole)
