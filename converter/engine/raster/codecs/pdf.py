"""The PDF codec, which only writes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import groupby

from PIL import Image

from converter.engine.formats import FORMATS
from converter.engine.raster.density import paper

from .codec import Codec, Settings
from .content import Content


class Pdf(Codec):
    format = FORMATS["pdf"]
    pillow = "PDF"
    writes_jpeg = True

    def settings(self, content: Content, quality: int | None) -> Settings:
        return {"compression": "group4"} if content.is_bilevel else {"quality": quality}

    def hidden(self, content: Content) -> Settings:
        # No dates, so that the same image always gives the same bytes.
        return {"creationDate": None, "modDate": None}

    def carried(self, content: Content) -> Settings:
        carried, size = super().carried(content), content.images[0].size
        if content.recipe.page:
            sides = paper(content.recipe.page, size)
            carried["dpi"] = (size[0] / sides[0], size[1] / sides[1])
        return carried

    def has_quality(self, image: Image.Image) -> bool:
        return image.mode != "1"

    def picture(self, data: bytes) -> bytes:
        """Return the JPEG of a page with a quality."""
        return data[data.index(b"\xff\xd8\xff") :]

    def parts(self, content: Content) -> Sequence[Content]:
        """Split where pages need other settings.

        Bilevel pages have no quality. With a fixed paper size, pages with different pixel sizes have
        different resolutions.
        """
        has_paper = content.recipe.page is not None
        runs = groupby(content.images, key=lambda image: (image.mode == "1", has_paper and image.size))
        return [replace(content, images=list(run)) for _, run in runs]


codec = Pdf()
