"""The data types of the engine: recipes, formats, limits, reports and errors.

The conversion itself is in `raster`. Nothing here imports Pillow, so importing this package loads no decoder.
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
    NoSuchPage,
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
from .formats import FORMATS, Format, format_for
from .limits import Limits
from .messages import Message, register
from .outputs import auto_schema, output_schema
from .recipe import RECIPE_SCHEMA, Recipe
from .recipe_parts import Crop, FocalPoint, Resize, Watermark
from .report import Report, Result
from .summary import sentence, summary
from .templates import TEMPLATES

register(TEMPLATES)

__all__ = [
    "FORMATS",
    "RECIPE_SCHEMA",
    "CannotProduce",
    "Corrupt",
    "Crashed",
    "Crop",
    "EmptyFile",
    "EngineError",
    "Fault",
    "FocalPoint",
    "Format",
    "InvalidImage",
    "InvalidRecipe",
    "LimitExceeded",
    "Limits",
    "Message",
    "NoSuchPage",
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
    "auto_schema",
    "format_for",
    "output_schema",
    "register",
    "sentence",
    "summary",
]
