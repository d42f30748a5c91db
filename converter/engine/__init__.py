"""Bytes in, bytes out: what happens to images. Knows nothing of the web, the cloud or any settings.

>>> source = open(data)
>>> source.facts.width, source.facts.height
>>> result = source.render(Recipe.parse({"format": "webp", "resize": {"width": 1600}}))
>>> result.data, result.report.to_dict()
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from .errors import (
    CannotProduce,
    Corrupt,
    Crashed,
    EmptyFile,
    EngineError,
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
)
from .formats import FORMATS, Format, auto_options, format_for
from .limits import Limits
from .recipe import Crop, Recipe, Resize, Watermark
from .report import Note, Report, Result

if TYPE_CHECKING:
    from .bundled import Library, libraries
    from .codecs import check, versions
    from .facts import Facts
    from .pipeline import Source, convert, open, probe

__all__ = [
    "FORMATS",
    "CannotProduce",
    "Corrupt",
    "Crashed",
    "Crop",
    "EmptyFile",
    "EngineError",
    "Facts",
    "Format",
    "InvalidImage",
    "InvalidRecipe",
    "Library",
    "LimitExceeded",
    "Limits",
    "NotAnImage",
    "Note",
    "OutOfMemory",
    "Problem",
    "Recipe",
    "Report",
    "Resize",
    "Result",
    "Source",
    "Stopped",
    "TargetUnreachable",
    "TimedOut",
    "TooLargeForFormat",
    "TooManyBytes",
    "TooManyFrames",
    "TooManyPixels",
    "Truncated",
    "UnsupportedFormat",
    "Watermark",
    "auto_options",
    "check",
    "convert",
    "format_for",
    "libraries",
    "open",
    "probe",
    "versions",
]


# What decodes is loaded when it is first asked for: who only names formats and recipes starts without a decoder.
_LATER = {
    "Facts": "facts",
    "Library": "bundled",
    "Source": "pipeline",
    "check": "codecs",
    "convert": "pipeline",
    "libraries": "bundled",
    "open": "pipeline",
    "probe": "pipeline",
    "versions": "codecs",
}


def __getattr__(name: str) -> Any:
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_LATER[name]}", __name__), name)
