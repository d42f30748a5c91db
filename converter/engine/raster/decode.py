"""Decode files into upright frames, at no more resolution than needed."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from typing import NamedTuple

from PIL import Image

from converter.engine.errors import Corrupt, InvalidImage
from converter.engine.formats import Format
from converter.engine.limits import Deadline, Limits
from converter.engine.report import Log

from . import color, deep, density, floats
from .codecs import Codec, set_up
from .facts import Facts, facts_of, measured
from .metadata import Metadata, read
from .pillow import decoding, open_as
from .signalling import ColorSpace
from .sniff import sniff
from .steps import Frame, upright

# A decoder that shrinks keeps at least this multiple of the needed resolution, for the resampling filter.
_SPARE_RESOLUTION = 1.5

# Milliseconds for a GIF frame with a delay of 0, as in players.
_UNSPECIFIED_DELAY = 100
# The longest delay that any format can store, in milliseconds: 65,535 seconds in APNG.
_LONGEST_DELAY = 65_535_000


@dataclass(frozen=True)
class Picture:
    """A decoded frame with its own colour space, resolution and state."""

    frame: Frame
    space: ColorSpace
    eased: Picture | None = None
    """The same picture with finer shadows, for conversion to sRGB."""
    is_incomplete: bool = False
    is_damaged: bool = False
    white: float = 1.0
    """The floating-point sample value that became white."""
    dpi: density.Density | None = None
    """The resolution in the file, before the orientation is applied."""
    bits: int = 8
    """Per channel, as stored."""


@dataclass(frozen=True)
class Opened:
    """A file whose header has been read and accepted."""

    data: bytes
    codec: Codec
    facts: Facts
    metadata: Metadata
    space: ColorSpace
    """The colour space of the first picture; pages may each have their own."""
    dpi: density.Density | None
    """The resolution in the file, before the orientation is applied; pages may each have their own."""
    has_gain_map: bool
    has_video: bool
    """Whether it is a motion photo."""
    has_credentials: bool
    """Whether it has Content Credentials (a C2PA manifest), which are valid only for the unchanged file."""

    @property
    def format(self) -> Format:
        return self.codec.format


class _Properties(NamedTuple):
    """What a file says about one of its pictures."""

    orientation: int
    """The EXIF orientation, 1 to 8, of the decoded pixels."""
    space: ColorSpace
    dpi: density.Density | None
    bits: int


def open_data(data: bytes, limits: Limits) -> Opened:
    """Return the opened file. Raises the InvalidImage and LimitExceeded families."""
    limits.check_bytes(len(data))
    codec = sniff(data)
    with decoding():
        codec.guard(data, limits)
        image = _opened(codec, codec.header(data), limits)
        image.info.update(codec.told(data))
    with decoding():
        space = codec.space(image, data)
        pictures, bits = measured(data, codec, image, limits)
        manifest = codec.credentials(data)
        found = read(image, codec.format, codec.xmp(image, data), manifest, codec.unread(data))
        return Opened(
            data=data,
            codec=codec,
            facts=facts_of(data, codec, image, space, found, pictures, bits),
            metadata=found,
            has_credentials=bool(manifest),
            space=space,
            dpi=density.read(codec.dpi(image), image),
            has_gain_map=codec.has_gain_map(data),
            has_video=codec.has_video(data),
        )


def decode(
    opened: Opened,
    limits: Limits,
    scale: float,
    wanted: Collection[int],
    deadline: Deadline,
    depth: bool = False,
) -> Iterator[tuple[int, Picture]]:
    """Yield the wanted frames or pages with their numbers, starting from 0.

    They have at least `scale` times the full resolution, and all bits if `depth` is set.

    Raises Truncated, Corrupt, OutOfMemory, TimedOut.
    """
    with decoding():
        image = _opened(opened.codec, opened.codec.readable(opened.data), limits)
    delays = opened.codec.timing(opened.data, image).delays if opened.facts.animated else ()
    canvas = image.size if opened.facts.animated else None
    with decoding():
        whites = _whites(opened, image, deadline)
        pictures = islice(opened.codec.pictures(image, opened.data), max(wanted) + 1)
        for index, current in enumerate(pictures):
            if index:
                deadline.check()
            if index not in wanted:
                continue
            limits.check_pixels(*current.size)
            current.info.pop(floats.WHITE, None)  # the previous page's
            if index in whites:
                current.info[floats.WHITE] = whites[index]
            delay = delays[index] if delays else None
            yield index, _picture(current, opened, scale, delay, canvas, depth=depth and not canvas)


def _whites(opened: Opened, image: Image.Image, deadline: Deadline) -> Mapping[int, float]:
    """Return the value of white for the pages in floating point, the same whichever pages are wanted.

    Pages from a damaged one on are left out.
    """
    if opened.facts.pages == 1 or not opened.codec.stores_floats:
        return {}
    found = {}
    with suppress(InvalidImage), decoding():
        for number, page in enumerate(opened.codec.pictures(image, opened.data)):
            deadline.check()
            if (top := opened.codec.highest(page, opened.data)) is not None:
                found[number] = (page.mode, page.size), top
    image.seek(0)
    return floats.shared(found)


def _opened(codec: Codec, data: bytes, limits: Limits) -> Image.Image:
    set_up()
    return open_as(data, codec.pillow, limits)


def first_picture(data: bytes, limits: Limits) -> Image.Image:
    """Return the first picture in sRGB, for use as a watermark."""
    opened = open_data(data, limits)
    _, picture = next(decode(opened, limits, 1, {0}, Deadline(limits.seconds)))
    picture = picture.eased or picture
    return color.to_srgb(picture.frame.image, picture.space, Log())


def _frame(
    pixels: Image.Image,
    low: Image.Image | None,
    full: tuple[int, int],
    box: tuple[float, float, float, float] | None,
    canvas: tuple[int, int] | None,
    duration: int,
) -> Frame:
    """Return a frame with these decoded pixels; `full` is the size stated in the file."""
    pixels = _opaque(pixels)
    if low and low.mode != pixels.mode:
        low = low.convert(pixels.mode)
    if canvas and pixels.size != canvas:
        # Some decoders enlarge the canvas for a frame that extends beyond it.
        pixels, full = pixels.crop((0, 0, *canvas)), canvas
    return Frame(
        image=pixels,
        box=box or (0, 0, *pixels.size),
        width=full[0],
        height=full[1],
        duration=duration,
        low=low,
    )


def _picture(
    image: Image.Image,
    opened: Opened,
    scale: float,
    delay: int | None,
    canvas: tuple[int, int] | None,
    depth: bool,
) -> Picture:
    image.info.pop("xmp", None)  # or Pillow would rotate a TIFF by the orientation in its XMP
    full = image.size
    said = _properties(image, opened)
    box = _shrunk(image, opened.format, scale)
    is_deep = said.bits > 8 and not canvas
    load = opened.codec.load_deep if is_deep and (depth or said.space.hdr) else opened.codec.load
    loaded = load(image, opened.data)
    if 0 in (*full, *loaded.size):
        raise Corrupt
    is_incomplete = opened.codec.is_incomplete(loaded, opened.data)
    is_damaged = opened.codec.is_damaged(loaded, opened.data)
    duration = _duration(image, delay) if opened.facts.animated else 0

    def framed(pixels: Image.Image, low: Image.Image | None = None) -> Frame:
        return upright(_frame(_detached(pixels, image), low, full, box, canvas, duration), said.orientation)

    readable = opened.codec.readable(opened.data) if is_deep else b""
    eased = deep.eased(loaded, readable, opened.codec, said.space) if is_deep else None
    shown = color.eight_bit(loaded)
    low = deep.low_octets(loaded, shown, readable, opened.codec) if depth and is_deep else None
    white = shown.info.get(floats.WHITE, 1.0)
    return Picture(
        framed(shown, low),
        said.space,
        eased=Picture(framed(eased[0]), eased[1]) if eased else None,
        is_incomplete=is_incomplete,
        is_damaged=is_damaged,
        white=white,
        dpi=said.dpi,
        bits=said.bits,
    )


def _properties(image: Image.Image, opened: Opened) -> _Properties:
    """Return what the file says about the current picture; pages may each have their own properties."""
    codec, facts, turned = opened.codec, opened.facts, opened.format.decoder_turns
    if facts.pages == 1:
        return _Properties(1 if turned else facts.orientation, opened.space, opened.dpi, facts.bits)
    return _Properties(
        orientation=1 if turned else codec.orientation(image, opened.data),
        space=codec.space(image, opened.data),
        dpi=density.read(codec.dpi(image), image),
        bits=codec.bits(opened.data, image),
    )


def _duration(image: Image.Image, delay: int | None) -> int:
    """Return the milliseconds that a frame is shown; `delay` is None if only the decoder knows it."""
    if delay is None:
        delay = image.info.get("duration", 0)
    return min(round(delay) or _UNSPECIFIED_DELAY, _LONGEST_DELAY)


def _shrunk(image: Image.Image, source: Format, scale: float) -> tuple[float, float, float, float] | None:
    """Let the decoder shrink the picture if it can, and return the box of its result that is valid."""
    if not source.shrinks_on_load or scale >= 1:
        return None
    size = tuple(max(1, math.ceil(side * scale * _SPARE_RESOLUTION)) for side in image.size)
    drafted = image.draft(image.mode, (size[0], size[1]))
    if drafted is None:
        return None
    _, (left, top, right, bottom) = drafted
    return (left, top, right, bottom)


def _detached(pixels: Image.Image, opened: Image.Image) -> Image.Image:
    """Return the pixels as an image independent of its file, copied only if other frames share them."""
    if pixels is opened:
        pixels = opened.copy() if getattr(opened, "n_frames", 1) > 1 else opened._new(opened.im)
    pixels.info = {}
    return pixels


def _opaque(image: Image.Image) -> Image.Image:
    """Drop a fully opaque alpha channel, to save memory and time in later steps."""
    if image.mode in ("RGBA", "LA") and image.getchannel("A").getextrema() == (255, 255):
        return image.convert(image.mode[:-1])
    return image
