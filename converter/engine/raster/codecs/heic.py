"""HEIC and HEIF: read by libheif, never written."""

from __future__ import annotations

from converter.engine.formats import FORMATS

from .codec import Codec


class Heic(Codec):
    format = FORMATS["heic"]
    pillow = "HEIF"


codec = Heic()
