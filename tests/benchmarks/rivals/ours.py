"""The engine of this project, with its default settings."""

from __future__ import annotations

from typing import Any

from lines import serve

from converter import engine
from converter.engine import raster


def convert(data: bytes, order: dict[str, Any]) -> bytes:
    recipe: dict[str, Any] = {"format": order["format"]}
    if order["quality"]:
        recipe["quality"] = order["quality"]
    if order.get("aim"):
        recipe["aim"] = order["aim"]
    if order["plain"]:
        recipe["progressive"] = False
    if order["width"]:
        recipe["resize"] = {"width": order["width"]}
    (result,) = raster.convert(data, engine.Recipe.parse(recipe))
    if isinstance(result, engine.EngineError):
        raise result
    return result.data


serve(convert)
