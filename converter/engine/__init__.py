"""The vocabulary of the engine: recipes, formats, limits, reports and errors. `raster` does the work.

Whoever only names these starts without a decoder: nothing here imports Pillow.
"""

from __future__ import annotations

from .errors import (
    CannotProduce,
    Corrupt,
    Crashed,
    EmptyFile,
    EngineError,
    Fault,
    InvalidImage,
    InvalidRecipe,
    LimitExceeded,
    NotAnImage,
    OutOfMemory,
    Problem,
    Stopped,
    TargetUnreachable,
    TimedOut,
    TooLargeForFormat,
    TooManyBytes,
    TooManyFrames,
    TooManyPixels,
    Truncated,
    UnsupportedFormat,
    UnsupportedVariant,
)
from .formats import FORMATS, Format, auto_options, format_for
from .limits import Limits
from .messages import Message, register
from .recipe import Crop, Recipe, Resize, Watermark
from .report import Report, Result
from .summary import sentence, summary
from .templates import TEMPLATES

register(TEMPLATES)

__all__ = [
    "FORMATS",
    "CannotProduce",
    "Corrupt",
    "Crashed",
    "Crop",
    "EmptyFile",
    "EngineError",
    "Fault",
    "Format",
    "InvalidImage",
    "InvalidRecipe",
    "LimitExceeded",
    "Limits",
    "Message",
    "NotAnImage",
    "OutOfMemory",
    "Problem",
    "Recipe",
    "Report",
    "Resize",
    "Result",
    "Stopped",
    "TargetUnreachable",
    "TimedOut",
    "TooLargeForFormat",
    "TooManyBytes",
    "TooManyFrames",
    "TooManyPixels",
    "Truncated",
    "UnsupportedFormat",
    "UnsupportedVariant",
    "Watermark",
    "auto_options",
    "format_for",
    "register",
    "sentence",
    "summary",
]
