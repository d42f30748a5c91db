"""The ICO codec, for icons of Windows and websites."""

from __future__ import annotations

from io import BytesIO

from PIL import Image

from converter.engine.formats import FORMATS
from converter.engine.limits import Limits
from converter.engine.raster.signalling import ColorSpace
from converter.engine.report import Log

from . import png_alpha
from .codec import Codec, Settings
from .content import Content
from .ico_entries import guard, only_best, png_of
from .png_colors import space_of

_SIDES = (16, 24, 32, 48, 64, 128, 256)


class Ico(Codec):
    format = FORMATS["ico"]
    pillow = "ICO"
    reads = "bitmaps and PNG; the largest image is used"
    refuses = "cursors"

    def guard(self, data: bytes, limits: Limits) -> None:
        """Check the size of the images, since Pillow decodes an icon while opening it."""
        guard(data, limits)

    def readable(self, data: bytes) -> bytes:
        return only_best(data)

    def load(self, image: Image.Image, data: bytes) -> Image.Image:
        """Decode the icon. Pillow would lose the transparent colour (tRNS) of a PNG in it."""
        png = png_of(data)
        if png is None:
            return super().load(image, data)
        with Image.open(BytesIO(png), formats=["PNG"]) as inside:
            return png_alpha.loaded(inside, png)

    def space(self, image: Image.Image, data: bytes) -> ColorSpace:
        png = png_of(data)
        if png is None:
            return super().space(image, data)
        with Image.open(BytesIO(png), formats=["PNG"]) as inside:
            return space_of(inside, png)

    def stored(self, image: Image.Image, log: Log) -> Image.Image:
        """Return a square icon with the image centred on a transparent background."""
        side = max(image.size)
        icon = Image.new("RGBA", (side, side))
        icon.paste(image, ((side - image.width) // 2, (side - image.height) // 2))
        return icon

    def settings(self, content: Content, quality: int | None) -> Settings:
        side = content.images[0].width
        return {"sizes": [(smaller, smaller) for smaller in _SIDES if smaller < side] + [(side, side)]}


codec = Ico()
