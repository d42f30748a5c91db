"""The similarity of two pictures: SSIM on luma, 1 for equal, without NumPy.

It uses 8×8 windows every 4 pixels, as video encoders do. Large pictures are first reduced by averaging, as
the eye does at a distance.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from PIL import Image, ImageMath

_MOST_PIXELS = 2_000_000
_BLOCK = 4
_C1 = (0.01 * 255) ** 2
_C2 = (0.03 * 255) ** 2

Plane = Image.Image


def similarity(picture: Image.Image, other: Image.Image) -> float:
    """Return the SSIM of two pictures of the same size; transparent parts count as white."""
    return similarity_of_gray(gray(picture), gray(other))


def gray(picture: Image.Image) -> Image.Image:
    """Return what is compared of a picture: its luma, reduced if it is large."""
    luma = on_white(picture).convert("L")
    factor = math.ceil(math.sqrt(luma.width * luma.height / _MOST_PIXELS))
    return luma.reduce(factor) if factor > 1 else luma


def similarity_of_gray(first: Image.Image, second: Image.Image) -> float:
    """Return the SSIM of two pictures from `gray`."""
    x, y = first.convert("F"), second.convert("F")
    mean_x, mean_y = _windows(x), _windows(y)
    square_x, square_y = _windows(_computed(_times, a=x, b=x)), _windows(_computed(_times, a=y, b=y))
    product = _windows(_computed(_times, a=x, b=y))
    scores = _computed(_ssim, mx=mean_x, my=mean_y, xx=square_x, yy=square_y, xy=product)
    return min(1.0, _mean_of(scores))


def _mean_of(plane: Plane) -> float:
    mean = plane.resize((1, 1), Image.Resampling.BOX).getpixel((0, 0))
    assert isinstance(mean, float)
    return mean


def on_white(picture: Image.Image) -> Image.Image:
    """Return the picture without transparency or palette."""
    if picture.mode == "P":
        picture = picture.convert("RGBA")
    if picture.mode not in ("LA", "RGBA"):
        return picture
    white = Image.new("RGBA", picture.size, "white")
    white.alpha_composite(picture.convert("RGBA"))
    return white.convert("RGB")


def _windows(plane: Plane) -> Plane:
    """Return the mean of each 8×8 window; for a smaller picture, of each 4×4 block."""
    blocks = plane.reduce(_BLOCK)
    width, height = blocks.width - 1, blocks.height - 1
    if not width or not height:
        return blocks
    corners = {
        name: blocks.crop((left, top, left + width, top + height))
        for name, left, top in (("a", 0, 0), ("b", 1, 0), ("c", 0, 1), ("d", 1, 1))
    }
    return _computed(lambda of: (of["a"] + of["b"] + of["c"] + of["d"]) / 4, **corners)


def _times(of: dict[str, Any]) -> Any:
    return of["a"] * of["b"]


def _ssim(of: dict[str, Any]) -> Any:
    mx, my = of["mx"], of["my"]
    luminance = (mx * my * 2 + _C1) / (mx * mx + my * my + _C1)
    structure = ((of["xy"] - mx * my) * 2 + _C2) / (of["xx"] - mx * mx + of["yy"] - my * my + _C2)
    return luminance * structure


def _computed(formula: Callable[[dict[str, Any]], Any], **planes: Plane) -> Plane:
    result = ImageMath.lambda_eval(formula, **planes)
    assert isinstance(result, Image.Image)
    return result
