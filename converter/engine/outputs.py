"""JSON schemas of the recipe options that each output format has."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from typing import Any

from .formats import AUTO, Format
from .recipe import RECIPE_SCHEMA, Recipe
from .schema import without


def output_schema(format: Format) -> dict[str, Any]:
    """Return the JSON schema of the recipe options that apply to this format."""
    unfit = {option.name for option in fields(Recipe) if not _fits(option.metadata["fits"], format)}
    options = without(RECIPE_SCHEMA, unfit)
    options["title"] = format.label
    options["properties"]["format"] = {"const": format.name}
    if format.quality:
        options["properties"]["quality"]["default"] = format.default_quality
    if format.default_effort:
        options["properties"]["effort"]["default"] = format.default_effort
    return options


def auto_schema() -> dict[str, Any]:
    """Return the JSON schema of the recipe options when the format is chosen for each image."""
    options = without(RECIPE_SCHEMA, {"quality", "progressive"})
    options["title"] = "Best for each image"
    options["properties"]["format"] = {"const": AUTO}
    return options


def _fits(fits: Callable[[Format], object] | None, format: Format) -> bool:
    return fits is None or bool(fits(format))
