"""Remove what XMP says about parts behind the picture, which no result has unless they are added anew."""

from __future__ import annotations

import re

_NAMES = rb"(?:hdrgm:\w+|G?Camera:(?:MotionPhoto|MicroVideo)\w*)"
_PATTERNS = (
    re.compile(rb"<(G?Container:Directory)\b.*?</\1>", re.DOTALL),
    re.compile(rb"<(" + _NAMES + rb")\b[^>]*?(?:/>|>.*?</\1>)", re.DOTALL),
    re.compile(rb"\s" + _NAMES + rb"\s*=\s*(?:\"[^\"]*\"|'[^']*')"),
)
"""The directory of Android's containers, then the properties of gain maps and motion photos."""


def without_attachments(xmp: bytes) -> bytes:
    """Return the packet without descriptions of gain maps and videos."""
    for pattern in _PATTERNS:
        xmp = pattern.sub(b"", xmp)
    return xmp
