"""The WebP codec."""

from __future__ import annotations

from collections.abc import Iterator

from converter.engine.errors import Truncated
from converter.engine.formats import FORMATS
from converter.engine.limits import Limits

from . import credentials
from .codec import Codec, Settings
from .content import Content

_METHODS = (0, 1, 2, 3, 4, 4, 5, 5, 6)
"""libwebp's methods for efforts 1 to 9. Its default is 4."""

_NEVER = 2**31 - 1

_MOST_PLAYS = 65_535
_ANIMATED, _ALPHA = 0x02, 0x10  # flags of the extended header


class Webp(Codec):
    format = FORMATS["webp"]
    pillow = "WEBP"
    needs = ("webp",)
    highest_quality = 98
    reads = "lossy and lossless, animations"

    def guard(self, data: bytes, limits: Limits) -> None:
        if int.from_bytes(data[4:8], "little") + 8 > len(data):
            raise Truncated

    def readable(self, data: bytes) -> bytes:
        """Return the file with the alpha flag set in animations.

        The header may lack it although frames are transparent, which the decoder would show as black.
        """
        if data[12:16] != b"VP8X" or not data[20] & _ANIMATED:
            return data
        return data[:20] + bytes((data[20] | _ALPHA,)) + data[21:]

    def header(self, data: bytes) -> bytes:
        return data

    def credentials(self, data: bytes) -> bytes:
        return credentials.in_webp(data)

    def settings(self, content: Content, quality: int | None) -> Settings:
        method = _METHODS[content.effort - 1]
        if content.recipe.lossless:
            # In lossless mode, quality is the effort.
            return {"lossless": True, "quality": 75, "method": method}
        return {"quality": quality, "method": method}

    def hidden(self, content: Content) -> Settings:
        hidden = super().hidden(content)
        if "loop" in hidden:
            hidden["loop"] = min(hidden["loop"], _MOST_PLAYS)
        if content.is_animation and not content.recipe.lossless:
            # Frames are lossless where that is smaller, and there are no key frames for seeking.
            hidden.update({"allow_mixed": True, "kmin": _NEVER - 1, "kmax": _NEVER})
        return hidden

    def frames_in(self, data: bytes, content: Content) -> int:
        return max(1, sum(kind == b"ANMF" for kind in _kinds(data)))


def _kinds(data: bytes) -> Iterator[bytes]:
    """Yield the type of each chunk (RFC 9649, 2.3)."""
    at = 12
    while at + 8 <= len(data):
        yield data[at : at + 4]
        size = int.from_bytes(data[at + 4 : at + 8], "little")
        at += 8 + size + size % 2


codec = Webp()
