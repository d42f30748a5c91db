"""The WebP codec."""

from __future__ import annotations

from converter.engine.errors import Truncated
from converter.engine.formats import FORMATS
from converter.engine.limits import Limits

from . import credentials, libwebp
from .codec import Codec, Settings
from .content import Content
from .webp_chunks import ALPHA, ANIMATED, chunks, with_metadata

_METHODS = (0, 1, 2, 3, 4, 4, 5, 5, 6)
"""libwebp's methods for efforts 1 to 9. Its default is 4."""

_NEVER = 2**31 - 1

_MOST_PLAYS = 65_535


class Webp(Codec):
    format = FORMATS["webp"]
    pillow = "WEBP"
    needs = ("webp",)
    highest_quality = 98
    highest_in_half_color = 80
    usual_qualities = ((45, 25), (56, 45), (60.5, 55), (70, 76), (79, 88), (82, 91), (87, 95), (90, 98))
    reads = "lossy and lossless, animations"

    def set_up(self) -> None:
        libwebp.LIBRARY.problem()  # a sandboxed child process cannot load it any more

    def notes(self) -> list[str]:
        problem = libwebp.LIBRARY.problem()
        return [f"WebP takes more memory, and more bytes with vivid colours: {problem}."] if problem else []

    def guard(self, data: bytes, limits: Limits) -> None:
        if int.from_bytes(data[4:8], "little") + 8 > len(data):
            raise Truncated

    def readable(self, data: bytes) -> bytes:
        """Return the file with the alpha flag set in animations.

        The header may lack it although frames are transparent, which the decoder would show as black.
        """
        if data[12:16] != b"VP8X" or not data[20] & ANIMATED:
            return data
        return data[:20] + bytes((data[20] | ALPHA,)) + data[21:]

    def header(self, data: bytes) -> bytes:
        return data

    def credentials(self, data: bytes) -> bytes:
        return credentials.in_webp(data)

    def settings(self, content: Content, quality: int | None) -> Settings:
        method = _METHODS[content.effort - 1]
        if content.recipe.lossless:
            # In lossless mode, quality is the effort.
            return {"lossless": True, "quality": 75, "method": method}
        return {"quality": quality, "method": method, **({"sharp_yuv": True} if content.full_color else {})}

    def halves_color(self, content: Content) -> bool:
        """Return whether the sharp mode is left to be tried. Pillow encodes animations without it."""
        if content.is_part or content.full_color or content.pixels > libwebp.MOST_SHARP_PIXELS:
            return False
        return _is_for_libwebp(content)

    def encode(self, content: Content, quality: int | None) -> bytes:
        settings = self.settings(content, quality)
        if "lossless" in settings or not _is_for_libwebp(content):
            return super().encode(content, quality)
        [image], size = content.images, content.images[0].size
        quality, method, sharp = settings["quality"], settings["method"], settings.get("sharp_yuv", False)
        if content.expendable:
            data = libwebp.encoded(image, libwebp.Options(quality, method, sharp, expendable=True))
        else:
            data = content.planes.encode(quality, method)
        carried = self.carried(content)
        profile, exif, xmp = (carried.get(name) or b"" for name in ("icc_profile", "exif", "xmp"))
        return with_metadata(data, size, profile, exif, xmp)

    def hidden(self, content: Content) -> Settings:
        hidden = super().hidden(content)
        if "loop" in hidden:
            hidden["loop"] = min(hidden["loop"], _MOST_PLAYS)
        if content.is_animation and not content.recipe.lossless:
            # Frames are lossless where that is smaller, and there are no key frames for seeking.
            hidden.update({"allow_mixed": True, "kmin": _NEVER - 1, "kmax": _NEVER})
        return hidden

    def frames_in(self, data: bytes, content: Content) -> int:
        return max(1, sum(kind == b"ANMF" for kind, _ in chunks(data)))


def _is_for_libwebp(content: Content) -> bool:
    """Return whether this is a single image that libwebp can be called for directly."""
    images = content.images
    return len(images) == 1 and images[0].mode in libwebp.MODES and not libwebp.LIBRARY.problem()


codec = Webp()
