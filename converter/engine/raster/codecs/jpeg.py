"""JPEG, and the MPO of phones and stereo cameras, of which the first picture counts."""

from __future__ import annotations

from converter.engine.formats import FORMATS

from .codec import Codec, Settings
from .content import Content

# From this quality on people look closely, and half the colour resolution shows.
_FULL_COLOR = 90


class Jpeg(Codec):
    format = FORMATS["jpeg"]
    pillow = "JPEG"

    def settings(self, content: Content, quality: int | None) -> Settings:
        # A bound on bytes buys more with quality than with colour resolution.
        full = quality is not None and quality >= _FULL_COLOR and content.recipe.target_bytes is None
        return {
            "quality": quality,
            "optimize": True,
            "progressive": content.recipe.progressive,
            "subsampling": "4:4:4" if full else "4:2:0",
        }


codec = Jpeg()
