"""The formats, one module each: a row in `converter.engine.formats` has its codec in the module of its name."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from types import MappingProxyType

from converter.engine.formats import FORMATS, Format

from .codec import Codec, Settings
from .content import Content

__all__ = ["CODECS", "Codec", "Content", "Settings", "codec_for"]

CODECS: Mapping[str, Codec] = MappingProxyType(
    {name: import_module(f"{__name__}.{name}").codec for name in FORMATS}
)


def codec_for(format: Format) -> Codec:
    return CODECS[format.name]
