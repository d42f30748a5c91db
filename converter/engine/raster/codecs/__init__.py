"""The formats, one module each, named like the row in `converter.engine.formats`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from importlib import import_module
from types import MappingProxyType

from converter.engine.formats import FORMATS, Format

from .codec import Codec, Settings, Timing
from .content import Content

__all__ = ["CODECS", "Codec", "Content", "Settings", "Timing", "codec_for", "recognised", "samples", "set_up"]

CODECS: Mapping[str, Codec] = MappingProxyType(
    {name: import_module(f"{__name__}.{name}").codec for name in FORMATS}
)


def codec_for(format: Format) -> Codec:
    return CODECS[format.name]


def recognised(data: bytes) -> Codec | None:
    """Return the codec of the format that these bytes begin like, whether it can be read or not; None if unknown."""
    return next((codec for codec in CODECS.values() if codec.recognises(data)), None)


def samples() -> Iterator[bytes]:
    """Yield a small file of each format that is read."""
    for codec in CODECS.values():
        if codec.format.decodes:
            yield codec.sample()


@cache
def set_up() -> None:
    """Prepare the libraries of all codecs: once per process, before the first file."""
    for codec in CODECS.values():
        codec.set_up()
