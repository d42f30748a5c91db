"""Detect a file's format from its first bytes, never from its name."""

from __future__ import annotations

from converter.engine.errors import EmptyFile, UnsupportedFormat
from converter.engine.formats import FORMATS, NOT_INSTALLED

from .codecs import Codec, recognised
from .foreign import refusal


def sniff(data: bytes) -> Codec:
    """Return the codec for the format of these bytes.

    Raises EmptyFile, UnsupportedFormat, NotAnImage.
    """
    if not data:
        raise EmptyFile
    codec = recognised(data)
    if codec is not None and codec.format.decodes:
        return codec
    known = codec.format if codec else next((one for one in NOT_INSTALLED if one.begins(data)), None)
    if known:
        raise UnsupportedFormat(kind=known.name)
    raise refusal(data, [format.label for format in FORMATS.values() if format.decodes])
