"""Remove what XMP says about parts behind the picture, which no result has unless they are added anew."""

from __future__ import annotations

import re
from collections.abc import Iterator

_PROPERTIES = rb"hdrgm:\w+|G?Camera:(?:MotionPhoto|MicroVideo)\w*"
"""Those of gain maps and motion photos."""
_TAG = re.compile(rb"<(/?)(G?Container:Directory|" + _PROPERTIES + rb")\b[^<>]*?(/?)>")
"""Those and the directory of Android's containers."""
_ATTRIBUTE = re.compile(rb"\s(?:" + _PROPERTIES + rb")\s*=\s*(?:\"[^\"]*\"|'[^']*')")


def without_attachments(xmp: bytes) -> bytes:
    """Return the packet without descriptions of gain maps and videos."""
    parts, reached = [], 0
    for start, end in sorted(_elements(xmp)):
        parts.append(xmp[reached:start])
        reached = max(reached, end)
    return _ATTRIBUTE.sub(b"", b"".join((*parts, xmp[reached:])))


def _elements(xmp: bytes) -> Iterator[tuple[int, int]]:
    """Yield the start and end of each element, also of those within others.

    In one pass, since a packet may be large and its elements may have no end.
    """
    starts: dict[bytes, int] = {}
    for tag in _TAG.finditer(xmp):
        closes, name, is_empty = tag.groups()
        if is_empty:
            yield tag.span()
        elif not closes:
            starts.setdefault(name, tag.start())
        elif name in starts:
            yield starts.pop(name), tag.end()
