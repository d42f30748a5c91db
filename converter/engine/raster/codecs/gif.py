"""GIF."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from itertools import accumulate

from PIL import Image

from converter.engine.errors import Truncated
from converter.engine.formats import FORMATS
from converter.engine.limits import Limits
from converter.engine.recipe import Recipe
from converter.engine.report import Log

from . import credentials
from .codec import Codec, Timing
from .content import Content
from .gif_blocks import gif_blocks
from .gif_frames import frames
from .gif_palette import clear_parts, make_clear, paletted, without_clear
from .gif_writer import animation


class Gif(Codec):
    format = FORMATS["gif"]
    pillow = "GIF"
    reads = "87a and 89a, animated"

    def guard(self, data: bytes, limits: Limits) -> None:
        try:
            width, height = struct.unpack_from("<HH", data, 6)
        except struct.error as exc:
            raise Truncated from exc
        limits.check_pixels(width, height)
        frames = gif_blocks(data, limits.max_frames).frames
        limits.check_frames(frames)
        limits.check_total_pixels(width * height * frames)

    def timing(self, data: bytes, image: Image.Image) -> Timing:
        blocks = gif_blocks(data)
        return Timing(blocks.delays, blocks.plays)

    def pictures(self, image: Image.Image, data: bytes) -> Iterator[Image.Image]:
        """Pillow fills what lies outside of the first frame, where browsers show nothing."""
        images = gif_blocks(data).images
        alone = len(images) == 1 and (0, 0, *image.size) == images[0].box
        return super().pictures(image, data) if alone else frames(data, image.size)

    def credentials(self, data: bytes) -> bytes:
        return credentials.in_gif(data)

    def stored(self, image: Image.Image, log: Log) -> Image.Image:
        """Return the picture in at most 256 colours, one of them clear when there is transparency."""
        mask = clear_parts(image, log)
        image = without_clear(image, mask)
        room = 256 if mask is None else 255
        few = image.getcolors(room) is not None
        if not few:
            log.note("colors_reduced", colors=room)
        dither = Image.Dither.NONE if few else Image.Dither.FLOYDSTEINBERG
        stored = image.quantize(room, Image.Quantize.MEDIANCUT, dither=dither)
        if mask is not None:
            make_clear(stored, mask)
        return stored

    def all_stored(self, images: Sequence[Image.Image], recipe: Recipe, log: Log) -> list[Image.Image]:
        if len(images) == 1:
            return super().all_stored(images, recipe, log)
        return paletted(images, recipe.resize is not None, log)

    def encode(self, content: Content, quality: int | None) -> bytes:
        delays = _hundredths(content.durations)
        plays = content.plays if content.is_animation else 1
        return animation(content.images, delays, plays, content.extras.get("comment", b""))

    def frames_in(self, data: bytes, content: Content) -> int:
        return gif_blocks(data).frames


def _hundredths(durations: Sequence[int]) -> list[int]:
    """Return durations in whole hundredths of a second, as GIF has them, without drifting from the total."""
    ends = [round(end / 10) * 10 for end in accumulate(durations)]
    return [max(10, end - start) for start, end in zip([0, *ends[:-1]], ends, strict=True)]


codec = Gif()
