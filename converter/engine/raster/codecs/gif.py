"""The GIF codec."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate
from typing import Any

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
from .gif_writer import animation, sub_blocks

# Browsers show frames of 10 ms or less for 100 ms, so fast frames get a longer delay than that.
_NO_DELAY, _SHORTEST = 10, 20


_XMP, _XMP_TRAILER = b"!\xff\x0bXMP DataXMP", b"\x01\xff\xfe\xfd\xfc"
_WHOLE_XMP_TRAILER = b"\x01" + bytes(range(255, -1, -1)) + b"\x00"


class Gif(Codec):
    longest_delay = 655_350  # a 16-bit field in hundredths of a second
    format = FORMATS["gif"]
    pillow = "GIF"
    reads = "87a and 89a, animations"

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
        """Yield the frames, composited here unless a single frame fills the canvas.

        Pillow fills the area outside the first frame, which browsers leave transparent.
        """
        images = gif_blocks(data).images
        alone = len(images) == 1 and (0, 0, *image.size) == images[0].box
        return super().pictures(image, data) if alone else frames(data, image.size)

    def xmp(self, image: Image.Image, data: bytes) -> bytes | None:
        """Return the packet, which has no sub-blocks but a countdown trailer (XMP specification, part 3)."""
        start = data.find(_XMP)
        end = data.find(_XMP_TRAILER, start)
        return data[start + len(_XMP) : end] if 0 <= start < end else b""

    def credentials(self, data: bytes) -> bytes:
        return credentials.in_gif(data)

    def stored(self, image: Image.Image, log: Log) -> Image.Image:
        """Return the image with at most 256 colours, one of them transparent if needed."""
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

    def paced(self, durations: Sequence[int], log: Log) -> Sequence[int]:
        durations = super().paced(durations, log)
        delays = _hundredths(durations)
        before, after = sum(durations), sum(delays)
        if after >= before + _SHORTEST:
            log.note("plays_slower", seconds=after / 1000, before=before / 1000)
        return delays

    def encode(self, content: Content, quality: int | None) -> bytes:
        plays = content.plays if content.is_animation else 1
        return animation(content.images, content.durations, plays, _words(content.extras))

    def frames_in(self, data: bytes, content: Content) -> int:
        return gif_blocks(data).frames


def _words(extras: Mapping[str, Any]) -> bytes:
    """Return the comment and XMP blocks, without zero bytes in XMP, where the packet would end."""
    comment, xmp = extras.get("comment"), extras.get("xmp", b"").replace(b"\x00", b"")
    words = b"!\xfe" + sub_blocks(comment) if comment else b""
    return words + _XMP + xmp + _WHOLE_XMP_TRAILER if xmp else words


def _hundredths(durations: Sequence[int]) -> list[int]:
    """Return durations as multiples of 10 ms, with as little drift as `_SHORTEST` allows."""
    found: list[int] = []
    shown = 0
    for duration, end in zip(durations, accumulate(durations), strict=True):
        shortest = _SHORTEST if duration > _NO_DELAY else _NO_DELAY
        found.append(max(shortest, round(end / 10) * 10 - shown))
        shown += found[-1]
    return found


codec = Gif()
