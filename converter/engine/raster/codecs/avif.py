"""AVIF."""

from __future__ import annotations

from converter.engine.formats import FORMATS

from .codec import Codec, Settings
from .content import Content

# A search makes up to eight AVIFs within the time limit: 24 megapixels take 11 s at speed 6, 6 s at 8 for 11 % more bytes.
_MANY_PIXELS = 12_000_000
_EFFORT_FOR_MANY = 2

_CLOCKS = (b"mvhd", b"tkhd", b"mdhd")


class Avif(Codec):
    format = FORMATS["avif"]
    pillow = "AVIF"

    def settings(self, content: Content, quality: int | None) -> Settings:
        effort = content.effort
        if content.recipe.effort is None and content.pixels > _MANY_PIXELS:
            effort = _EFFORT_FOR_MANY
        return {"quality": quality, "speed": 10 - effort, "advanced": {"tune": "ssim"}}

    def hidden(self, content: Content) -> Settings:
        # Tiles are for threads; on one they only cost bytes.
        return {**super().hidden(content), "max_threads": 1, "autotiling": False}

    def finished(self, data: bytes, content: Content) -> bytes:
        return _without_clock(data) if content.is_animation else data


def _without_clock(data: bytes) -> bytes:
    """Return a file that does not tell when it was made: the same picture gives the same bytes."""
    output = bytearray(data)
    box = 0
    while box + 8 <= len(data):
        size = int.from_bytes(data[box : box + 4], "big")
        if data[box + 4 : box + 8] == b"moov":
            for name in _CLOCKS:
                _clear_clocks(output, name, box + 8, box + size)
        box += max(8, size)
    return bytes(output)


def _clear_clocks(output: bytearray, name: bytes, start: int, end: int) -> None:
    while (at := output.find(name, start, end)) >= 0:
        width = 16 if output[at + 4] == 1 else 8
        output[at + 8 : at + 8 + width] = bytes(width)
        start = at + 4


codec = Avif()
