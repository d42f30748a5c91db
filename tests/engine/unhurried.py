"""Render without the usual time limit, since searches take long and the machine may be busy."""

from __future__ import annotations

from typing import Any

from converter.engine import Limits, Recipe
from converter.engine.messages import Message
from converter.engine.raster import open
from converter.engine.report import Result

from . import samples
from .samples import saved

SIZE = (320, 240)
PHOTO = saved(samples.grainy(SIZE), "PNG")


def render(data: bytes, **recipe: Any) -> Result:
    return open(data, Limits(seconds=900)).render(Recipe.parse(recipe))


def note(result: Result, code: str) -> Message:
    return next(note for note in (*result.report.notes, *result.report.warnings) if note.code == code)
