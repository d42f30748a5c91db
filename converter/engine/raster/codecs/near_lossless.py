"""Round colours so that lossless compression saves more, except in smooth areas, where bands would show."""

from __future__ import annotations

from PIL import Image, ImageChops

_FINEST, _QUALITIES_PER_VALUE = 100, 3


def rounded(image: Image.Image, quality: int) -> Image.Image:
    """Return the RGB or RGBA image with rounded colours; alpha is kept."""
    step = 1 + (_FINEST - quality) // _QUALITIES_PER_VALUE
    intervals = max(1, 255 // step)
    table = [round(round(value * intervals / 255) * 255 / intervals) for value in range(256)]
    coarse = image.point(table * 3 + list(range(256)) * (image.mode == "RGBA"))
    return Image.composite(coarse, image, _rough(image, step))


def _rough(image: Image.Image, step: int) -> Image.Image:
    """Return a mask of the pixels that differ from a neighbour by at least `step` in some channel."""
    rough = Image.new("L", image.size)
    for across, down in ((1, 0), (0, 1)):
        change = _largest(ImageChops.difference(image, ImageChops.offset(image, across, down)))
        edge = change.point([0] * step + [255] * (256 - step))
        for side in (edge, ImageChops.offset(edge, -across, -down)):
            rough = ImageChops.lighter(rough, side)
    return rough


def _largest(image: Image.Image) -> Image.Image:
    first, *others = image.split()
    for band in others:
        first = ImageChops.lighter(first, band)
    return first
