"""PNG and APNG."""

from __future__ import annotations

import zlib
from collections.abc import Iterator

from PIL import Image, ImageChops, PngImagePlugin

from converter.engine.errors import Truncated
from converter.engine.formats import FORMATS
from converter.engine.limits import Limits
from converter.engine.raster.signalling import ColorSpace
from converter.engine.report import Log

from .codec import Codec, Settings
from .content import Content
from .png_colors import space_of

_NO_PIXELS = bytes.fromhex("00000000 49444154 35af061e 00000000 49454e44 ae426082")  # IDAT, IEND
_WORDS = (b"tEXt", b"zTXt", b"iTXt", b"eXIf")


class Png(Codec):
    format = FORMATS["png"]
    pillow = "PNG"
    needs = ("zlib",)
    has_octets = True
    reads = "1 to 16 bits a channel, palettes, APNG"

    def guard(self, data: bytes, limits: Limits) -> None:
        """Pillow is content without the end of a PNG; we are not."""
        if not any(kind == b"IEND" for kind, _ in _chunks(data)):
            raise Truncated

    def header(self, data: bytes) -> bytes:
        """Return a PNG whose words all come before its pixels, of which there are none.

        Pillow decodes a whole PNG, and all frames of an animation, to see whether words follow the pixels.
        """
        kept, pixels_begun = [data[:8]], False
        for kind, start in _chunks(data):
            if kind == b"IEND":
                break
            pixels_begun = pixels_begun or kind == b"IDAT"
            end = start + int.from_bytes(data[start - 8 : start - 4], "big")
            if not pixels_begun or (kind in _WORDS and _is_whole(data, start, end)):
                kept.append(data[start - 8 : end + 4])
        return b"".join([*kept, _NO_PIXELS])

    def bits(self, data: bytes, image: Image.Image) -> int:
        return data[24] or super().bits(data, image)

    def stored(self, image: Image.Image, log: Log) -> Image.Image:
        """Return a flat picture with a palette when that loses nothing."""
        if image.mode != "RGB" or image.getcolors(256) is None:
            return image
        paletted = image.quantize(256, Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
        exact = ImageChops.difference(paletted.convert("RGB"), image).getbbox() is None
        return paletted if exact else image

    def space(self, image: Image.Image, data: bytes) -> ColorSpace:
        return space_of(image, data)

    def settings(self, content: Content, quality: int | None) -> Settings:
        settings: Settings = {"compress_level": content.effort}
        if content.is_noisy and content.recipe.effort is None:
            settings["compress_type"] = zlib.Z_RLE
        return settings

    def carried(self, content: Content) -> Settings:
        """PNG takes words and XMP as named texts."""
        carried = dict(content.extras)
        info = PngImagePlugin.PngInfo()
        for name, value in carried.pop("text", {}).items():
            info.add_itxt(name, value)
        xmp = carried.pop("xmp", b"")
        if xmp:
            info.add_itxt("XML:com.adobe.xmp", xmp.decode("utf-8", "replace"))
        return {**carried, "pnginfo": info}


def _is_whole(data: bytes, start: int, end: int) -> bool:
    """Whether the chunk has the checksum that it claims; behind the pixels, the decoder would not mind."""
    return zlib.crc32(data[start - 4 : end]) == int.from_bytes(data[end : end + 4], "big")


def _chunks(data: bytes) -> Iterator[tuple[bytes, int]]:
    at = 8
    while at + 12 <= len(data):
        size = int.from_bytes(data[at : at + 4], "big")
        if at + 12 + size > len(data):
            return
        yield data[at + 4 : at + 8], at + 8
        at += 12 + size


codec = Png()
