"""PNG and APNG."""

from __future__ import annotations

import zlib

from PIL import Image, ImageChops, PngImagePlugin

from converter.engine.formats import FORMATS
from converter.engine.report import Log

from .codec import Codec, Settings
from .content import Content


class Png(Codec):
    format = FORMATS["png"]
    pillow = "PNG"

    def stored(self, image: Image.Image, log: Log) -> Image.Image:
        """Return a flat picture with a palette when that loses nothing."""
        if image.mode != "RGB" or image.getcolors(256) is None:
            return image
        paletted = image.quantize(256, Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
        exact = ImageChops.difference(paletted.convert("RGB"), image).getbbox() is None
        return paletted if exact else image

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


codec = Png()
