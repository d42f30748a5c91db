"""The facts about a file, found without decoding its pixels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from PIL import Image

from converter.engine.limits import Limits

from . import color
from .codecs import Codec, Timing
from .metadata import Metadata, describe
from .signalling import ColorSpace

_SIDEWAYS = (5, 6, 7, 8)


@dataclass(frozen=True)
class Facts:
    """The facts about a file.

    Width and height are those of the upright picture, in pixels; `bits` are per channel, as stored, of the
    deepest page.
    `frames` counts the frames of an animation, `pages` separate pictures; one of the two is 1. `plays` is how
    often an animation plays, 0 for endlessly. `location` is latitude and longitude in degrees.
    """

    format: str
    mime: str
    width: int
    height: int
    frames: int
    pages: int
    mode: str
    bits: int
    has_alpha: bool
    profile: str | None
    orientation: int
    animated: bool
    duration_ms: int | None
    plays: int
    camera: str | None
    lens: str | None
    taken_at: str | None
    has_location: bool
    location: tuple[float, float] | None
    software: str | None
    copyright: str | None
    bytes: int

    @property
    def pictures(self) -> int:
        """The number of frames or pages."""
        return max(self.frames, self.pages)

    def to_dict(self) -> dict[str, Any]:
        facts = dict(vars(self))
        facts["location"] = list(self.location) if self.location else None
        return facts


def measured(data: bytes, codec: Codec, image: Image.Image, limits: Limits) -> tuple[int, int]:
    """Return the number of frames or pages and their most bits, for an image whose header has been read.

    Raises TooManyFrames, TooManyPixels, UnsupportedFormat.
    """
    codec.check(image)
    limits.check_pixels(*image.size)
    bits = codec.bits(data, image)
    if codec.format.animation:
        frames: int = getattr(image, "n_frames", 1)
        limits.check_frames(frames)
        limits.check_total_pixels(image.width * image.height * frames)
        return frames, bits
    if not codec.format.pages and codec.images_inside(image, data) == 1:
        return 1, bits
    return _measured_pages(codec, image, data, limits)


def _measured_pages(codec: Codec, image: Image.Image, data: bytes, limits: Limits) -> tuple[int, int]:
    """Count the pages, which may differ in size and depth, stopping at the first that exceeds the limits."""
    pages, main = codec.pictures(image, data), image.tell()
    count, total, bits = 0, 0, 1
    while True:
        try:
            page = next(pages)
        except (EOFError, StopIteration):
            break
        count += 1
        total += page.width * page.height
        bits = max(bits, codec.bits(data, page))
        limits.check_frames(count)
        limits.check_pixels(*page.size)
        limits.check_total_pixels(total)
    image.seek(main)
    return count, bits


def facts_of(
    data: bytes,
    codec: Codec,
    image: Image.Image,
    space: ColorSpace,
    found: Metadata,
    pictures: int,
    bits: int,
) -> Facts:
    """Return the facts about an image whose header and metadata have been read."""
    source = codec.format
    orientation = codec.orientation(image, data)
    width, height = image.size
    if orientation in _SIDEWAYS and not source.decoder_turns:
        width, height = height, width
    animated = source.animation and pictures > 1
    timing = codec.timing(data, image) if animated else Timing()
    return Facts(
        format=source.name,
        mime=source.mime,
        width=width,
        height=height,
        frames=pictures if animated else 1,
        pages=1 if source.animation else pictures,
        mode=image.mode,
        bits=bits,
        has_alpha=image.has_transparency_data,
        profile=color.name_of(space),
        orientation=orientation,
        animated=animated,
        duration_ms=sum(timing.delays) or None,
        plays=timing.plays,
        bytes=len(data),
        **describe(found),
    )
