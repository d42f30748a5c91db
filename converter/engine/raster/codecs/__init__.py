"""One codec module per format, named as in `converter.engine.formats`."""

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
    """Return the codec whose signature matches, even if its format cannot be read, or None if unknown."""
    return next((codec for codec in CODECS.values() if codec.recognises(data)), None)


def samples() -> Iterator[bytes]:
    """Yield a small file for each format that can be read."""
    for codec in CODECS.values():
        if codec.format.decodes:
            yield codec.sample()


@cache
def set_up() -> None:
    """Initialize the libraries of all codecs, once per process before the first file."""
    for codec in CODECS.values():
        codec.set_up()
