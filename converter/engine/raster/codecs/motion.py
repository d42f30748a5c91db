"""Find the video of a motion photo, which phones put behind the picture, in a box or as it is."""

from __future__ import annotations

import re

_VIDEO = re.compile(
    rb"ftyp(?<=\0\0\0[\x08-\xff]ftyp)(?:isom|iso[2-9]|mp4[12]|avc1|qt  |MSNV|3gp.)", re.DOTALL
)
"""A type box of a video. The name comes first, which `re` can search for fast."""
_OWN_TYPE = 8
"""The offset of what follows the name of the file's own type box."""


def has_video(data: bytes) -> bool:
    """Return whether a video begins somewhere behind the start of the file."""
    return bool(_VIDEO.search(data, _OWN_TYPE))
