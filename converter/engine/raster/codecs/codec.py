"""What a codec does by default. Each format overrides what differs."""

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
    """`delays` are milliseconds, one per frame, if the container gives them; `plays` is 0 for ever."""

    delays: Sequence[int] = ()
    plays: int = 1


class Codec:
    """One format: how its files are told, checked, read and written.

    Each module of this package has one, in `codec`; its `format` is the row in `converter.engine.formats`.
    """

    format: Format
    pillow: str
    """Pillow's name for it."""
    needs: tuple[str, ...] = ()
    """What Pillow must have been built with, as `PIL.features` names it."""
    has_octets = False
    """Pillow can be told to take the lower octet of its 16-bit samples for the higher."""
    writes_jpeg = False
    """Pillow writes its pictures as JPEG, into a buffer that must hold all of it."""
    longest_delay = 16_777_215
    """For how many milliseconds a frame can stay; the usual bound is that of WebP, which has 24 bits for it."""
    reads = ""
    """Which of its kinds are read, for the table in the README."""
    refuses = ""
    """Which are not."""

    def set_up(self) -> None:
        """Prepare the library: once per process, before the first file."""

    def problems(self) -> list[str]:
        """Return what is missing; empty if all is well."""
        return [f"Pillow was built without {name}." for name in self.needs if not features.check(name)]

    def notes(self) -> list[str]:
        """Return what works less well on this machine than it could."""
        return []

    def recognises(self, data: bytes) -> bool:
        """Whether a file that begins with these bytes is in this format."""
        return self.format.begins(data)

    def guard(self, data: bytes, limits: Limits) -> None:
        """Refuse, before decoding, a file that the container shows to be too large, truncated or of an unread kind.
        Raises the InvalidImage and LimitExceeded families.
        """

    def readable(self, data: bytes) -> bytes:
        """Return the file in a form that its decoder reads, for kinds that it only reads in another form."""
        return data

    def header(self, data: bytes) -> bytes:
        """Return the part of the file that a decoder needs for everything but the pixels."""
        return self.readable(data)

    def check(self, image: Image.Image) -> None:
        """Refuse a file whose opened header shows it to be another format. Raises UnsupportedFormat."""

    def bits(self, data: bytes, image: Image.Image) -> int:
        """Return the bits per channel in the file."""
        return 1 if image.mode == "1" else 8

    def space(self, image: Image.Image, data: bytes) -> ColorSpace:
        """Return the colour space of the current frame or page, from every place where the format stores it."""
        return of_icc(icc_of(image), image)

    def dpi(self, image: Image.Image) -> Any:
        """Return the resolution in the format's own field, as the decoder reports it; None if there is none."""
        return image.info.get("dpi")

    def orientation(self, image: Image.Image, data: bytes) -> int:
        """Return how to turn the picture for display, as an EXIF orientation: 1 to 8."""
        return orientation(image)

    def timing(self, data: bytes, image: Image.Image) -> Timing:
        """Return how an animation runs, as far as that is known without decoding."""
        plays = image.info.get("loop", 0)
        return Timing(plays=plays if isinstance(plays, int) else 0)

    def pictures(self, image: Image.Image, data: bytes) -> Iterator[Image.Image]:
        """Yield the frames or pages in order; `load` decodes their pixels if that has not been done yet."""
        yield image
        for number in count(1):
            image.seek(number)
            yield image

    def load(self, image: Image.Image, data: bytes) -> Image.Image:
        """Return the current frame or page with its pixels decoded, correcting what the decoder gets wrong."""
        image.load()
        return image

    def told(self, data: bytes) -> dict[str, Any]:
        """Return metadata that Pillow does not find, under the names that it has in `Image.info`."""
        return {}

    def xmp(self, image: Image.Image, data: bytes) -> bytes | None:
        """Return the XMP packet; None if it announces a part that is missing."""
        xmp = image.info.get("xmp")
        return xmp if isinstance(xmp, bytes) else b""

    def unread(self, data: bytes) -> Sequence[str]:
        """Return the kinds of metadata that are larger than what is read."""
        return ()

    def is_incomplete(self, image: Image.Image, data: bytes) -> bool:
        """Whether pixels are missing although the file ends as if it were whole."""
        return False

    def is_damaged(self, image: Image.Image, data: bytes) -> bool:
        """Whether pixels are wrong because of damage that the decoder passes over."""
        return False

    def images_inside(self, image: Image.Image, data: bytes) -> int:
        """Return how many images of equal rank the file holds; only the main one is read."""
        return 1

    def has_gain_map(self, data: bytes) -> bool:
        """Whether the file holds a brighter version for HDR screens."""
        return False

    def credentials(self, data: bytes) -> bytes:
        """Return the file's Content Credentials (a C2PA manifest); empty if it has none."""
        return b""

    def gain_map(self, data: bytes) -> GainMap | None:
        """Return the gain map for HDR screens, if it can be kept."""
        return None

    def sample(self) -> bytes:
        """Return a small file, for warming up and for tests."""
        recipe = Recipe.parse({"format": self.format.name})
        image = self.stored(Image.new("RGB", (16, 16), "white"), Log())
        return self.encode(Content(recipe, [image], [0], 1, {}), self.format.default_quality)

    def stored(self, image: Image.Image, log: Log) -> Image.Image:
        """Return the image in a mode that the format can store."""
        return image

    def all_stored(self, images: Sequence[Image.Image], recipe: Recipe, log: Log) -> list[Image.Image]:
        """Return all frames in a mode that the format can store."""
        return [self.stored(image, log) for image in images]

    def paced(self, durations: Sequence[int], log: Log) -> Sequence[int]:
        """Return the duration of each frame in milliseconds, rounded and bounded as the format requires."""
        most = self.longest_delay
        if max(durations, default=0) > most:
            log.warn("delays_shortened", format=self.format.label, seconds=most // 1000)
        return [min(duration, most) for duration in durations]

    def settings(self, content: Content, quality: int | None) -> Settings:
        """Return the encoder settings, as shown in the report. `quality` is None for lossless."""
        return {} if quality is None else {"quality": quality}

    def hidden(self, content: Content) -> Settings:
        """Return encoder arguments that are of no interest in the report."""
        if not content.is_animation:
            return {}
        durations = {"duration": list(content.durations)}
        return {**durations, "loop": content.plays} if self.format.loops else durations

    def carried(self, content: Content) -> Settings:
        """Return metadata, profile and dpi as arguments of the encoder."""
        return dict(content.extras)

    def parts(self, content: Content) -> Sequence[Content]:
        """Return the content in runs that are written one after the other, for pages that need different settings."""
        return [content]

    def drawn(self, content: Content) -> Sequence[Image.Image]:
        """Return the images as the encoder expects them."""
        return content.images

    def has_quality(self, image: Image.Image) -> bool:
        """Whether the encoder writes this image differently at different qualities."""
        return self.format.quality

    def picture(self, data: bytes) -> bytes:
        """Return the first picture of a file as a file that can be decoded."""
        return data

    def repacked(self, data: bytes, source: Format, strip: bool = False) -> bytes | None:
        """Return a file of another format with its compressed picture unchanged, without metadata if `strip` is set.
        None if that is impossible.
        """
        return None

    def jpeg_inside(self, data: bytes) -> bytes | None:
        """Return the JPEG that the file is, or was made from and can be restored to; None if there is none."""
        return None

    def finished(self, data: bytes, content: Content) -> bytes:
        """Return the file after adding what the encoder could not write."""
        return data

    def frames_in(self, data: bytes, content: Content) -> int:
        """Return how many frames the encoder wrote; some encoders merge equal neighbours."""
        return len(content.images)

    def halves_color(self, image: Image.Image) -> bool:
        """Whether the colour resolution of this image is halved if `Content.full_color` is not set."""
        return False

    def drafted(self, content: Content) -> Content:
        """Return the content with settings that encode faster, to the same pixels."""
        return content

    def encode(self, content: Content, quality: int | None) -> bytes:
        """Return the file's bytes. Lets the encoder's exceptions through."""
        output = BytesIO()
        for part in self.parts(content):
            self._write(part, quality, output)
        return self.finished(output.getvalue(), content)

    def _write(self, content: Content, quality: int | None, output: BytesIO) -> None:
        """Write the file, or add pages to the one that is there."""
        arguments = {**self.settings(content, quality), **self.hidden(content), **self.carried(content)}
        if output.tell():
            arguments["append"] = True
        first, *others = [self._handed_over(image, content) for image in self.drawn(content)]
        if others:
            arguments.update(save_all=True, append_images=others)
        first.save(output, self.pillow, **arguments)

    def _handed_over(self, image: Image.Image, content: Content) -> Image.Image:
        """Return an image with the same pixels: encoders leave settings on the image, which the next one would use."""
        image.load()
        fresh = image._new(image.im)
        fresh.readonly = 1  # whoever draws on it draws on a copy
        return fresh
