"""BMP."""

from __future__ import annotations

from converter.engine.formats import FORMATS

from .codec import Codec, Settings
from .content import Content


class Bmp(Codec):
    format = FORMATS["bmp"]
    pillow = "BMP"

    def carried(self, content: Content) -> Settings:
        """Where nothing is known, nothing is said: the encoder would say 96 dpi."""
        return {"dpi": (0, 0), **content.extras}


codec = Bmp()
