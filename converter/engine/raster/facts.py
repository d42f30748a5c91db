"""What a file is, found without decoding its pixels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from PIL import ExifTags, Image

from converter.engine.errors import UnsupportedFormat
from converter.engine.formats import Format
from converter.engine.limits import Limits

from . import color, heif, metadata, sniff
from .pillow import decoding
from .signalling import ColorSpace

_SIDEWAYS = (5, 6, 7, 8)
_DNG_VERSION = 50706
_NEW_SUBFILE_TYPE = 254
_REDUCED = 1


@dataclass(frozen=True)
class Facts:
    """Width and height are those of the upright picture, in pixels; `bits` are per channel, in the file.

    `frames` are steps of an animation and `pages` pictures of their own; one of the two is 1.
    `plays` is how often an animation runs, 0 for ever. `location` is latitude and longitude in degrees.
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

    def to_dict(self) -> dict[str, Any]:
        facts = dict(vars(self))
        facts["location"] = list(self.location) if self.location else None
        return facts


def facts_of(data: bytes, source: Format, image: Image.Image, space: ColorSpace, limits: Limits) -> Facts:
    """Return the facts about an image in this colour space whose header was read.

    Raises TooManyFrames, TooManyPixels, UnsupportedFormat, Truncated, Corrupt.
    """
    with decoding():
        _refuse_raw(source, image)
        limits.check_pixels(*image.size)
        pictures = _measured(source, image, limits)
        found = metadata.read(image)
        orientation = heif.orientation(data) if source.name == "heic" else metadata.orientation(image)
        width, height = image.size
        if orientation in _SIDEWAYS and not source.decoder_turns:
            width, height = height, width
        animated = source.animation and pictures > 1
        delays, plays = _timing(data, source, image) if animated else ((), 1)
        return Facts(
            format=source.name,
            mime=source.mime,
            width=width,
            height=height,
            frames=pictures if animated else 1,
            pages=pictures if source.pages else 1,
            mode=image.mode,
            bits=_bits(data, source, image),
            has_alpha=image.has_transparency_data,
            profile=color.name_of(space),
            orientation=orientation,
            animated=animated,
            duration_ms=sum(delays) or None,
            plays=plays,
            bytes=len(data),
            **metadata.describe(found),
        )


def _refuse_raw(source: Format, image: Image.Image) -> None:
    """Camera RAW files call themselves TIFF and would yield their small preview."""
    if source.name != "tiff":
        return
    exif = image.getexif()
    reduced = bool((exif.get(_NEW_SUBFILE_TYPE) or 0) & _REDUCED) and ExifTags.Base.SubIFDs in exif
    if _DNG_VERSION in exif or reduced:
        raise UnsupportedFormat(kind="raw")


def _measured(source: Format, image: Image.Image, limits: Limits) -> int:
    """Return how many frames or pages there are that count, having checked their sizes."""
    if source.pages:
        return _measured_pages(image, limits)
    if not source.animation:
        return 1
    frames: int = getattr(image, "n_frames", 1)
    limits.check_frames(frames)
    limits.check_total_pixels(image.width * image.height * frames)
    return frames


def _measured_pages(image: Image.Image, limits: Limits) -> int:
    """Walk the pages of a TIFF, which may differ in size, no further than allowed."""
    pages, total = 0, 0
    while True:
        try:
            image.seek(pages)
        except EOFError:
            break
        pages += 1
        total += image.width * image.height
        limits.check_frames(pages)
        limits.check_pixels(*image.size)
        limits.check_total_pixels(total)
    image.seek(0)
    return pages


def _timing(data: bytes, source: Format, image: Image.Image) -> tuple[tuple[int, ...], int]:
    """Return the delays that the container tells without decoding, and how often it plays."""
    if source.name == "gif":
        blocks = sniff.gif_blocks(data)
        return blocks.delays, blocks.plays
    plays = image.info.get("loop", 0)
    return (), plays if isinstance(plays, int) else 0


def _bits(data: bytes, source: Format, image: Image.Image) -> int:
    bits = sniff.bits_per_channel(data, source)
    if bits:
        return bits
    if source.name == "tiff":
        stored = image.getexif().get(ExifTags.Base.BitsPerSample, 1)
        return int(max(stored) if isinstance(stored, tuple) else stored)
    return 1 if image.mode == "1" else 8
