"""The base class of the codecs. Each format overrides the methods that differ."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from io import BytesIO
from itertools import count
from typing import Any

from PIL import Image, features

from converter.engine.formats import Format
from converter.engine.limits import Limits
from converter.engine.raster.orientation import orientation
from converter.engine.raster.signalling import ColorSpace, icc_of, of_icc
from converter.engine.recipe import Recipe
from converter.engine.report import Log

from .content import Content
from .jpeg_gain_map import GainMap

Settings = dict[str, Any]


@dataclass(frozen=True)
class Timing:
    """The timing of an animation.

    `delays` has one value in milliseconds per frame, or none if the container has none. `plays` is the
    number of loops, or 0 for endless.
    """

    delays: Sequence[int] = ()
    plays: int = 1


class Codec:
    """Detects, checks, reads and writes the files of one format.

    Each codec module has one instance, named `codec`. Its `format` is defined in `converter.engine.formats`.
    """

    format: Format
    pillow: str
    """Pillow's name for the format."""
    needs: tuple[str, ...] = ()
    """The features that Pillow must have been built with, named as in `PIL.features`."""
    has_octets = False
    """Whether Pillow can be made to read the low byte of 16-bit samples instead of the high byte."""
    highest_quality = 95
    """The highest quality of use for a quality mode."""
    highest_in_half_color = 90
    """The same while `halves_color`. Instead of a higher one, more colour detail takes fewer bytes."""
    usual_qualities: Sequence[tuple[float, int]] = (
        (42, 25),
        (60, 43),
        (70, 61),
        (75, 72),
        (82, 83),
        (87, 88),
        (93, 95),
    )
    """Pairs of a visual score and the quality with which images usually reach it."""
    stores_floats = False
    """Whether pixels can be in floating point."""
    writes_jpeg = False
    """Whether Pillow encodes its images as JPEG, which needs a buffer for the whole file."""
    longest_delay = 16_777_215
    """The longest frame delay in milliseconds. The default is the 24-bit limit of WebP."""
    reads = ""
    """The variants that can be read, for the table in the README."""
    refuses = ""
    """The variants that are rejected."""

    def set_up(self) -> None:
        """Initialize the library, once per process before the first file."""

    def problems(self) -> list[str]:
        """Return messages about missing dependencies, or an empty list."""
        return [f"Pillow was built without {name}." for name in self.needs if not features.check(name)]

    def notes(self) -> list[str]:
        """Return messages about reduced quality or speed on this machine."""
        return []

    def recognises(self, data: bytes) -> bool:
        """Return whether a file that begins with these bytes is in this format."""
        return self.format.begins(data)

    def guard(self, data: bytes, limits: Limits) -> None:
        """Check the container before decoding.

        Raises subclasses of InvalidImage and LimitExceeded if it is truncated, unsupported or too large.
        """

    def readable(self, data: bytes) -> bytes:
        """Return the file, rewritten if it is a variant that the decoder cannot read directly."""
        return data

    def header(self, data: bytes) -> bytes:
        """Return the part of the file that a decoder needs for everything except the pixels."""
        return self.readable(data)

    def check(self, image: Image.Image) -> None:
        """Raise UnsupportedFormat if the opened file turns out to be in another format."""

    def bits(self, data: bytes, image: Image.Image) -> int:
        """Return the bits per channel of the file."""
        return 1 if image.mode == "1" else 8

    def space(self, image: Image.Image, data: bytes) -> ColorSpace:
        """Return the colour space of the current frame or page, wherever the format stores it."""
        return of_icc(icc_of(image), image)

    def dpi(self, image: Image.Image) -> Any:
        """Return the resolution from the format's own field as the decoder reports it, or None."""
        return image.info.get("dpi")

    def orientation(self, image: Image.Image, data: bytes) -> int:
        """Return the EXIF orientation, 1 to 8."""
        return orientation(image)

    def timing(self, data: bytes, image: Image.Image) -> Timing:
        """Return the timing of an animation, as far as it is known without decoding."""
        plays = image.info.get("loop", 0)
        return Timing(plays=plays if isinstance(plays, int) else 0)

    def pictures(self, image: Image.Image, data: bytes) -> Iterator[Image.Image]:
        """Yield the frames or pages in order. Their pixels may still have to be decoded with `load`."""
        yield image
        for number in count(1):
            image.seek(number)
            yield image

    def highest(self, image: Image.Image, data: bytes) -> float | None:
        """Return the highest plausible value of the current page, or None if it is not in floating point."""
        return None

    def load(self, image: Image.Image, data: bytes) -> Image.Image:
        """Decode and return the current frame or page, and correct the decoder's errors."""
        image.load()
        return image

    def load_deep(self, image: Image.Image, data: bytes) -> Image.Image:
        """Do the same with all bits of the source, for codecs where this costs more than `load`."""
        return self.load(image, data)

    def told(self, data: bytes) -> dict[str, Any]:
        """Return metadata that Pillow does not read, under the keys of `Image.info`."""
        return {}

    def xmp(self, image: Image.Image, data: bytes) -> bytes | None:
        """Return the XMP packet, or None if it refers to an extension that is missing."""
        xmp = image.info.get("xmp")
        return xmp if isinstance(xmp, bytes) else b""

    def unread(self, data: bytes) -> Sequence[str]:
        """Return the kinds of metadata that are too large to be read."""
        return ()

    def is_incomplete(self, image: Image.Image, data: bytes) -> bool:
        """Return whether pixels are missing although the end of the file is intact."""
        return False

    def is_damaged(self, image: Image.Image, data: bytes) -> bool:
        """Return whether pixels are wrong because of damage that the decoder does not report."""
        return False

    def images_inside(self, image: Image.Image, data: bytes) -> int:
        """Return the number of independent images in the file. Only the primary image is read."""
        return 1

    def has_gain_map(self, data: bytes) -> bool:
        """Return whether the file contains a gain map for HDR screens."""
        return False

    def has_video(self, data: bytes) -> bool:
        """Return whether the file is a motion photo, with a short video."""
        return False

    def credentials(self, data: bytes) -> bytes:
        """Return the file's Content Credentials (a C2PA manifest), or empty bytes."""
        return b""

    def gain_map(self, data: bytes) -> GainMap | None:
        """Return the gain map for HDR screens, or None if there is none that can be kept."""
        return None

    def sample(self) -> bytes:
        """Return a small file for warming up and for tests."""
        recipe = Recipe.parse({"format": self.format.name})
        image = self.stored(Image.new("RGB", (16, 16), "white"), Log())
        return self.encode(Content(recipe, [image], [0], 1, {}), self.format.default_quality)

    def stored(self, image: Image.Image, log: Log) -> Image.Image:
        """Return the image, converted to a mode that the format can store."""
        return image

    def all_stored(self, images: Sequence[Image.Image], recipe: Recipe, log: Log) -> list[Image.Image]:
        """Return all frames, converted to a mode that the format can store."""
        return [self.stored(image, log) for image in images]

    def paced(self, durations: Sequence[int], log: Log) -> Sequence[int]:
        """Return the frame durations in milliseconds, rounded and clamped as the format requires."""
        most = self.longest_delay
        if max(durations, default=0) > most:
            log.warn("delays_shortened", format=self.format.label, seconds=most // 1000)
        return [min(duration, most) for duration in durations]

    def settings(self, content: Content, quality: int | None) -> Settings:
        """Return the encoder settings that the report shows. `quality` is None for lossless."""
        return {} if quality is None else {"quality": quality}

    def hidden(self, content: Content) -> Settings:
        """Return the encoder arguments that the report does not show."""
        if not content.is_animation:
            return {}
        durations = {"duration": list(content.durations)}
        return {**durations, "loop": content.plays} if self.format.loops else durations

    def carried(self, content: Content) -> Settings:
        """Return metadata, profile and dpi as encoder arguments."""
        return dict(content.extras)

    def parts(self, content: Content) -> Sequence[Content]:
        """Split the content into parts that are written in turn, for pages that need different settings."""
        return [content]

    def drawn(self, content: Content) -> Sequence[Image.Image]:
        """Return the images in the form that the encoder expects."""
        return content.images

    def has_quality(self, image: Image.Image) -> bool:
        """Return whether the quality setting has an effect on this image."""
        return self.format.quality

    def picture(self, data: bytes) -> bytes:
        """Return the first image of a file as a file that can be decoded."""
        return data

    def repacked(self, data: bytes, source: Format, strip: bool = False) -> bytes | None:
        """Repackage a file of another format without re-encoding, or return None if that is impossible.

        Removes metadata if `strip` is set.
        """
        return None

    def jpeg_inside(self, data: bytes) -> bytes | None:
        """Return the JPEG file itself, or the original JPEG that can be restored from the file, or None."""
        return None

    def finished(self, data: bytes, content: Content) -> bytes:
        """Return the file with additions that the encoder cannot write."""
        return data

    def frames_in(self, data: bytes, content: Content) -> int:
        """Return the number of frames in the file. Some encoders merge equal consecutive frames."""
        return len(content.images)

    def halves_color(self, content: Content) -> bool:
        """Return whether `Content.full_color` is not set, and would keep more colour detail."""
        return False

    def drafted(self, content: Content) -> Content:
        """Return the content with settings that encode faster to the same pixels."""
        return content

    def encode(self, content: Content, quality: int | None) -> bytes:
        """Return the encoded file. Exceptions of the encoder propagate."""
        output = BytesIO()
        for part in self.parts(content):
            self._write(part, quality, output)
        return self.finished(output.getvalue(), content)

    def _write(self, content: Content, quality: int | None, output: BytesIO) -> None:
        """Write the file, or append pages if `output` already contains some."""
        arguments = {**self.settings(content, quality), **self.hidden(content), **self.carried(content)}
        if output.tell():
            arguments["append"] = True
        first, *others = [self._handed_over(image, content) for image in self.drawn(content)]
        if others:
            arguments.update(save_all=True, append_images=others)
        first.save(output, self.pillow, **arguments)

    def _handed_over(self, image: Image.Image, content: Content) -> Image.Image:
        """Return a new image with the same pixels.

        Encoders store settings on the image, and the next encoder would use them.
        """
        image.load()
        fresh = image._new(image.im)
        fresh.readonly = 1  # makes Pillow copy the shared pixels before it changes them
        return fresh
