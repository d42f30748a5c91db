"""Helpers to render a picture and to read its report."""

from __future__ import annotations

from typing import Any

from converter.engine import FORMATS, Recipe, Result
from converter.engine.raster import open

WRITTEN = [name for name, format in FORMATS.items() if format.encodes]
READ_BACK = [name for name in WRITTEN if name != "pdf"]


def render(data: bytes, **recipe: Any) -> Result:
    """Convert a picture, to PNG by default."""
    return open(data).render(Recipe.parse({"format": "png", **recipe}))


def codes(result: Result) -> set[str]:
    return {note.code for note in (*result.report.notes, *result.report.warnings)}
