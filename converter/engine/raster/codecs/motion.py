"""Find the video of a motion photo, which phones put behind the picture, in a box or as it is."""

from __future__ import annotations

import re

_TYPE = b"ftyp"
_START = re.compile(rb"\x00\x00\x00[\x08-\xff]ftyp(?:isom|iso[2-9]|mp4[12]|avc1|qt  |MSNV|3gp.)", re.DOTALL)
_PLACE = 4
"""The offset of the type in its box."""


def has_video(data: bytes) -> bool:
    """Return whether a video begins somewhere behind the start of the file."""
    at = data.find(_TYPE, 2 * _PLACE)
    while at >= 0:
        if _START.match(data, at - _PLACE):
            return True
        at = data.find(_TYPE, at + 1)
    return False
