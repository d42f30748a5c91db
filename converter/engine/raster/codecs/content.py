"""Frames prepared for encoding in one format, with their metadata and settings."""

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

from . import libwebp
from .color_detail import color_detail

# An image is noisy if it has more colours than a drawing and deflate finds few matches in sample rows.
_DRAWN_COLORS = 20_000
# Grey images have few levels anyway, but one level, the background, dominates in a drawing or page.
_DRAWN_SHARE = 0.25
_BANDS, _ROWS = 8, 4
_NEARLY = 1.05


GAIN_MAP = "gain_map"
"""The key in `extras` for the image's gain map, encoded as the format stores it."""


@dataclass(frozen=True)
class Content:
    """The images to encode, with their settings and metadata.

    `durations` has one value in milliseconds per image. `plays` is the number of loops, or 0 for endless.
    """

    recipe: Recipe
    images: Sequence[Image.Image]
    durations: Sequence[int]
    plays: int
    extras: Mapping[str, Any]
    """Additional encoder arguments: metadata, profile and dpi."""
    lows: Sequence[Image.Image | None] = ()
    """The low bytes of each image with 16 bits per channel, otherwise None."""
    expendable: bool = False
    """Whether the images are encoded only once, so that the encoder may free them early."""
    full_color: bool = False
    """Whether to keep as much colour detail as the format can at any quality: without chroma subsampling, or, as
    WebP always subsamples, with its sharp mode."""
    is_part: bool = False
    """Whether this is one frame of several, for trying settings."""

    @property
    def target(self) -> Format:
        return self.recipe.target

    @property
    def effort(self) -> int:
        """The encoder effort, 1 to 9."""
        effort = self.recipe.effort or self.target.default_effort
        assert effort is not None
        return effort

    @property
    def pixels(self) -> int:
        return sum(image.width * image.height for image in self.images)

    @property
    def metadata_bytes(self) -> int:
        return sum(len(value) for value in self.extras.values() if isinstance(value, bytes))

    @property
    def is_deep(self) -> bool:
        """Return whether any image has more than 8 bits per channel."""
        return any(self.lows)

    @property
    def is_animation(self) -> bool:
        return len(self.images) > 1 and self.target.animation

    @property
    def is_bilevel(self) -> bool:
        """Return whether all images have one bit per pixel."""
        return all(image.mode == "1" for image in self.images)

    @cached_property
    def is_noisy(self) -> bool:
        """Return whether this is a single image with little repetition, such as a photo."""
        return len(self.images) == 1 and is_noisy(self.images[0])

    @cached_property
    def planes(self) -> libwebp.Planes:
        """The single image as libwebp encodes it at any quality."""
        return libwebp.planes(self.images[0], self.full_color)

    @cached_property
    def color_detail(self) -> float:
        return color_detail(self.images[0])


def is_noisy(image: Image.Image) -> bool:
    """Return whether lossless compression finds little repetition in the image."""
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
