"""TIFFs with a ramp from black to white, and how they are read."""

from __future__ import annotations

from io import BytesIO
from typing import Any

from PIL import Image

from converter.engine import Recipe
from converter.engine.raster import open

SIZE = (16, 4)
RAMP = [index / 63 for index in range(64)]
"""Samples from black to white, row by row."""


def pixels(data: bytes, mode: str) -> list[Any]:
    result = open(data).render(Recipe.parse({"format": "png", "depth": 8}))
    image = Image.open(BytesIO(result.data)).convert(mode)
    return list(image.get_flattened_data())


def assert_near(found: list[int], wanted: list[int]) -> None:
    assert len(found) == len(wanted)
    assert max(abs(a - b) for a, b in zip(found, wanted, strict=True)) <= 1
