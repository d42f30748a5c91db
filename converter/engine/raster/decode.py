"""From bytes to frames: upright, eight bits a channel, at no more resolution than is needed."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from PIL import Image

from converter.engine.formats import Format
from converter.engine.limits import Deadline, Limits
from converter.engine.report import Log

from . import color, deep, density, jp2, sniff, tiff
from .codecs import codec_for
from .facts import Facts, facts_of
from .metadata import Metadata, read
from .pillow import decoding, open_as
from .signalling import ColorSpace, space_of
from .steps import Frame, upright

_REPAIRS = {"tiff": tiff.loaded, "jp2": jp2.loaded}

# A shrinking decoder leaves at least this much for the fine filter that follows.
_SPARE_RESOLUTION = 1.5

# What a GIF means by no delay at all: players take a tenth of a second.
_UNSPECIFIED_DELAY = 100
# The longest, in milliseconds, that every format can tell.
_LONGEST_DELAY = 65_535


@dataclass(frozen=True)
class Picture:
    """A decoded frame and what belongs to it alone."""

    frame: Frame
    space: ColorSpace
    eased: Picture | None = None
    """The same with finer shadows, on the way to sRGB."""


@dataclass(frozen=True)
class Opened:
    """A file whose header was read and found acceptable."""

    data: bytes
    format: Format
    facts: Facts
    metadata: Metadata
    space: ColorSpace
    """That of the first picture; pages may each have their own."""
    dpi: density.Density | None
    """What the file says, as it lies in the file."""
    pictures_in_file: int
    has_gain_map: bool


def open_data(data: bytes, limits: Limits) -> Opened:
    """Return what the header tells.

    Raises the InvalidImage and LimitExceeded families.
    """
    limits.check_bytes(len(data))
    source = sniff.sniff(data)
    with decoding():
        sniff.guard(data, source, limits)
    image = open_as(sniff.without_pixels(data, source), codec_for(source).pillow, limits)
    with decoding():
        space = space_of(image, data, source)
    facts = facts_of(data, source, image, space, limits)
    with decoding():
        return Opened(
            data=data,
            format=source,
            facts=facts,
            metadata=read(image),
            space=space,
            dpi=density.read(image),
            pictures_in_file=getattr(image, "n_frames", 1),
            has_gain_map=b"hdrgm:Version" in data[:200_000] or b"urn:com:apple:photo" in data[:200_000],
        )


def decode(
    opened: Opened, limits: Limits, scale: float, first_only: bool, deadline: Deadline
) -> Iterator[Picture]:
    """Yield the frames or pages, at `scale` of full resolution or more.

    Raises Truncated, Corrupt, OutOfMemory, TimedOut.
    """
    image = open_as(opened.data, codec_for(opened.format).pillow, limits)
    count = 1 if first_only else max(opened.facts.frames, opened.facts.pages)
    delays = _delays(opened)
    canvas = image.size if opened.facts.animated else None
    with decoding():
        for index in range(count):
            if index:
                image.seek(index)
                deadline.check()
            limits.check_pixels(*image.size)
            yield _picture(image, opened, scale, delays[index] if delays else None, canvas)


def first_picture(data: bytes, limits: Limits) -> Image.Image:
    """Return the first picture in sRGB, for use inside another."""
    opened = open_data(data, limits)
    picture = next(decode(opened, limits, 1, True, Deadline(limits.seconds)))
    picture = picture.eased or picture
    return color.to_srgb(picture.frame.image, picture.space, Log())


def _picture(
    image: Image.Image, opened: Opened, scale: float, delay: int | None, canvas: tuple[int, int] | None
) -> Picture:
    image.info.pop("xmp", None)  # Pillow would turn a TIFF as its XMP says
    full = image.size
    held = 1 if opened.format.decoder_turns else opened.facts.orientation
    space = space_of(image, opened.data, opened.format) if opened.facts.pages > 1 else opened.space
    box = _shrunk(image, opened.format, scale)
    held_pixels = _loaded(image, opened)
    if delay is None:
        delay = image.info.get("duration", 0)

    def framed(pixels: Image.Image) -> Frame:
        pixels, whole = _opaque(pixels), full
        if canvas and pixels.size != canvas:
            # A frame that reaches outside makes some decoders grow the canvas for it alone.
            pixels, whole = pixels.crop((0, 0, *canvas)), canvas
        frame = Frame(
            image=pixels,
            box=box or (0, 0, *pixels.size),
            width=whole[0],
            height=whole[1],
            duration=min(round(delay) or _UNSPECIFIED_DELAY, _LONGEST_DELAY) if opened.facts.animated else 0,
        )
        return upright(frame, held)

    is_deep = opened.facts.bits == 16 and opened.format.name in ("png", "tiff") and not canvas
    eased = deep.eased(held_pixels, opened.data, space) if is_deep else None
    picture = Picture(framed(_detached(color.eight_bit(held_pixels), image)), space)
    return replace(picture, eased=Picture(framed(eased[0]), eased[1])) if eased else picture


def _loaded(image: Image.Image, opened: Opened) -> Image.Image:
    """Return the image with its pixels decoded, and put right where the decoder gets them wrong."""
    repair = _REPAIRS.get(opened.format.name)
    if repair:
        return repair(image, opened.data)
    image.load()
    return image


def _shrunk(image: Image.Image, source: Format, scale: float) -> tuple[float, float, float, float] | None:
    """Let the decoder shrink where it can; return the part of its result that counts."""
    if not source.shrinks_on_load or scale >= 1:
        return None
    size = tuple(max(1, math.ceil(side * scale * _SPARE_RESOLUTION)) for side in image.size)
    drafted = image.draft(image.mode, (size[0], size[1]))
    if drafted is None:
        return None
    _, (left, top, right, bottom) = drafted
    return (left, top, right, bottom)


def _detached(pixels: Image.Image, opened: Image.Image) -> Image.Image:
    """Return the pixels as a plain picture that knows nothing of its file, without copying them when unshared."""
    if pixels is opened:
        pixels = opened.copy() if getattr(opened, "n_frames", 1) > 1 else opened._new(opened.im)
    pixels.info = {}
    return pixels


def _opaque(image: Image.Image) -> Image.Image:
    """Drop an alpha channel that hides nothing: smaller and faster everywhere."""
    if image.mode in ("RGBA", "LA") and image.getchannel("A").getextrema() == (255, 255):
        return image.convert(image.mode[:-1])
    return image


def _delays(opened: Opened) -> Sequence[int]:
    """Return the delays in milliseconds where the container tells them better than the decoder."""
    if opened.facts.animated and opened.format.name == "gif":
        return sniff.gif_blocks(opened.data).delays
    return ()
