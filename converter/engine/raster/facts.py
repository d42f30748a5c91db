"""The facts about a file, found without decoding its pixels."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from PIL import Image

from converter.engine.limits import Limits

from . import color, metadata
from .codecs import Codec, Timing
from .pillow import decoding
from .signalling import ColorSpace

_SIDEWAYS = (5, 6, 7, 8)


@dataclass(frozen=True)
class Facts:
    """The facts about a file.

    Width and height are those of the upright picture, in pixels; `bits` are per channel, as stored.
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


def facts_of(data: bytes, codec: Codec, image: Image.Image, space: ColorSpace, limits: Limits) -> Facts:
    """Return the facts about an image whose header has been read.

    Raises TooManyFrames, TooManyPixels, UnsupportedFormat, Truncated, Corrupt.
    """
    source = codec.format
    with decoding():
        codec.check(image)
        limits.check_pixels(*image.size)
        pictures = _measured(codec, image, data, limits)
        found = metadata.read(image, source, codec.xmp(image, data))
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
            bits=codec.bits(data, image),
            has_alpha=image.has_transparency_data,
            profile=color.name_of(space),
            orientation=orientation,
            animated=animated,
            duration_ms=sum(timing.delays) or None,
            plays=timing.plays,
            bytes=len(data),
            **metadata.describe(found),
        )


def _measured(codec: Codec, image: Image.Image, data: bytes, limits: Limits) -> int:
    """Return the number of frames or pages, after checking them against the limits."""
    if codec.format.animation:
        frames: int = getattr(image, "n_frames", 1)
        limits.check_frames(frames)
        limits.check_total_pixels(image.width * image.height * frames)
        return frames
    if not codec.format.pages and codec.images_inside(image, data) == 1:
        return 1
    return _measured_pages(codec.pictures(image, data), image, limits)


def _measured_pages(pages: Iterator[Image.Image], image: Image.Image, limits: Limits) -> int:
    """Count the pages, which may differ in size, stopping at the first that exceeds the limits."""
    count, total, main = 0, 0, image.tell()
    while True:
        try:
            page = next(pages)
        except (EOFError, StopIteration):
            break
        count += 1
        total += page.width * page.height
        limits.check_frames(count)
        limits.check_pixels(*page.size)
        limits.check_total_pixels(total)
    image.seek(main)
    return count
