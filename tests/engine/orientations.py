"""How rotated cameras store pictures."""

from __future__ import annotations

from PIL import Image

HELD = {
    1: None,
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}
"""How an upright picture is stored under each EXIF orientation."""


def held_as(upright: Image.Image, orientation: int) -> Image.Image:
    method = HELD[orientation]
    return upright if method is None else upright.transpose(method)
