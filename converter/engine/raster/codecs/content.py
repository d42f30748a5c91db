"""The content of a file: frames prepared for one format, with their metadata and settings."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from io import BytesIO
from typing import Any

from PIL import Image

from converter.engine.formats import Format
from converter.engine.recipe import Recipe

# When a picture is noisy: more colours than a drawing has, and in a sample of rows a search finds next to nothing.
_DRAWN_COLORS = 20_000
_DRAWN_SHARE = (
    0.25  # of grey pictures, which have few levels anyway: the ground of a drawing or page has one level
)
_BANDS, _ROWS = 8, 4
_NEARLY = 1.05


GAIN_MAP = "gain_map"
"""Where `extras` hold the gain map that belongs to the picture, as the format stores it."""


@dataclass(frozen=True)
class Content:
    """`durations` are milliseconds, one per image; `plays` is how often an animation runs, 0 for ever."""

    recipe: Recipe
    images: Sequence[Image.Image]
    durations: Sequence[int]
    plays: int
    extras: Mapping[str, Any]
    """Encoder arguments from elsewhere: metadata, profile and dpi."""
    lows: Sequence[Image.Image | None] = ()
    """For each image the lower octets of its 16 bits a channel, where it has them."""
    sampled_from: int = 0
    """How many pixels the picture has that these images are parts of."""
    expendable: bool = False
    """The images are encoded this once, so they may be closed as soon as the encoder has their pixels."""
    full_color: bool = False
    """The colour resolution is kept at any quality."""

    @property
    def target(self) -> Format:
        return self.recipe.target

    @property
    def effort(self) -> int:
        """How much time the encoder may take, 1 to 9."""
        effort = self.recipe.effort or self.target.default_effort
        assert effort is not None
        return effort

    @property
    def pixels(self) -> int:
        return self.sampled_from or sum(image.width * image.height for image in self.images)

    @property
    def is_deep(self) -> bool:
        """Whether any of the images has more than eight bits a channel."""
        return any(self.lows)

    @property
    def is_animation(self) -> bool:
        return len(self.images) > 1 and self.target.animation

    @property
    def is_bilevel(self) -> bool:
        """Whether one bit a pixel is enough."""
        return all(image.mode == "1" for image in self.images)

    @cached_property
    def is_noisy(self) -> bool:
        """Whether this is a single picture in which a lossless format finds few repeats, such as a photograph."""
        return len(self.images) == 1 and is_noisy(self.images[0])


def is_noisy(image: Image.Image) -> bool:
    """Whether a lossless format finds few repeats in the picture."""
    if image.mode not in ("L", "LA", "RGB", "RGBA") or image.height < _BANDS * _ROWS:
        return False
    if image.mode == "L" and max(image.histogram()) > _DRAWN_SHARE * image.width * image.height:
        return False
    if image.mode != "L" and image.getcolors(_DRAWN_COLORS) is not None:
        return False
    sample = Image.new(image.mode, (image.width, _BANDS * _ROWS))
    for band in range(_BANDS):
        top = (2 * band + 1) * image.height // (2 * _BANDS) - _ROWS // 2
        sample.paste(image.crop((0, top, image.width, top + _ROWS)), (0, band * _ROWS))
    searched, unsearched = BytesIO(), BytesIO()
    sample.save(searched, "PNG", compress_level=4)
    sample.save(unsearched, "PNG", compress_type=zlib.Z_RLE)
    return unsearched.tell() <= _NEARLY * searched.tell()
