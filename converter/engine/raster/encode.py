"""Encode finished frames."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from functools import cached_property
from io import BytesIO
from typing import Any

from PIL import Image

from converter.engine.errors import TooLargeForFormat
from converter.engine.formats import Format
from converter.engine.recipe import Recipe
from converter.engine.report import Log

from .codecs import Codec, Content, Settings, codec_for
from .color import eight_bit
from .pillow import encoding, room_for
from .score import Reference
from .search import Usual
from .similarity import gray, similarity_of_gray
from .steps import Frame


@dataclass(frozen=True)
class Judged:
    """How much an encoded picture looks like the original."""

    score: float
    """The visual score, 100 for equal."""
    _gray: Image.Image
    _original: Image.Image

    @cached_property
    def similarity(self) -> float:
        """The SSIM, 1 for equal. It takes long, and a search needs it only for the result."""
        return round(similarity_of_gray(gray(self._original), self._gray), 4)


@dataclass(frozen=True)
class Encoder:
    """Frames prepared for one format, encoded once or, in a search, several times."""

    codec: Codec
    content: Content

    @property
    def target(self) -> Format:
        return self.codec.format

    @property
    def images(self) -> Sequence[Image.Image]:
        return self.content.images

    def encode(self, quality: int | None = None) -> bytes:
        """Return the encoded file.

        Raises Fault, OutOfMemory.
        """
        room = room_for(self.images, self.content.metadata_bytes)
        with encoding(self.target), room if self.codec.writes_jpeg else nullcontext():
            return self.codec.encode(self.content, self._resolved(quality))

    def settings(self, quality: int | None = None) -> Settings:
        """Return the encoder settings, as shown in the report."""
        return self.codec.settings(self.content, self._resolved(quality))

    @property
    def sample(self) -> int | None:
        """The index of the first frame whose encoding depends on the quality, if any."""
        return next((n for n, image in enumerate(self.images) if self.codec.has_quality(image)), None)

    def only(self, number: int) -> Encoder:
        """Return an encoder for a single frame, for trying settings."""
        if len(self.images) == 1:
            return self
        part = slice(number, number + 1)
        alone = replace(
            self.content,
            images=self.images[part],
            durations=self.content.durations[part],
            lows=self.content.lows[part],
            is_part=True,
        )
        return replace(self, content=alone)

    def for_the_last_time(self) -> Encoder:
        """Return an encoder that may free its images as soon as it has read their pixels."""
        return replace(self, content=replace(self.content, expendable=True))

    def drafting(self) -> Encoder:
        """Return a faster encoder for the same pixels, with larger files."""
        content = self.codec.drafted(self.content)
        return self if content is self.content else replace(self, content=content)

    def without_loss(self) -> Encoder:
        recipe = replace(self.content.recipe, lossless=True, aim=None)
        return replace(self, content=replace(self.content, recipe=recipe))

    def with_full_color(self) -> Encoder:
        return replace(self, content=replace(self.content, full_color=True))

    def colored_as(self, other: Encoder) -> Encoder:
        """Return an encoder with the other one's colour resolution."""
        return self.with_full_color() if other.content.full_color else self

    @property
    def halves_color(self) -> bool:
        return self.codec.halves_color(self.content)

    @property
    def highest_quality(self) -> int:
        """The highest quality of use for a quality mode."""
        return self.codec.highest_in_half_color if self.halves_color else self.codec.highest_quality

    @property
    def usual(self) -> Usual:
        """The visual scores that pictures usually get."""
        return Usual(self.codec.usual_qualities)

    def judged(self, data: bytes, reference: Reference) -> Judged:
        """Compare the encoded file's first picture with the original, decoding it once."""
        decoded = self._decoded(data)
        return Judged(round(reference.score(decoded), 1), gray(decoded), reference.picture)

    def _decoded(self, data: bytes) -> Image.Image:
        decoded = Image.open(BytesIO(self.codec.picture(data)))
        decoded.load()
        return eight_bit(decoded)

    def frames_in(self, data: bytes) -> int:
        """Return the number of frames in the encoded file; some encoders merge equal neighbours."""
        return self.codec.frames_in(data, self.content)

    def _resolved(self, quality: int | None) -> int | None:
        recipe = self.content.recipe
        if quality is None and self.target.quality and not recipe.lossless:
            return recipe.quality or self.target.default_quality
        return quality


@dataclass(frozen=True)
class Made:
    """An encoded result. `quality` is None if the recipe's or the format's default was used."""

    data: bytes
    encoder: Encoder
    quality: int | None = None
    similarity: float | None = None
    score: float | None = None


def prepare(
    frames: Sequence[Frame], recipe: Recipe, plays: int, extras: Mapping[str, Any], bilevel: bool, log: Log
) -> Encoder:
    """Return the encoder for these frames, in a mode that the format can store. Raises TooLargeForFormat."""
    target, codec = recipe.target, codec_for(recipe.target)
    for frame in frames:
        _check_size(target, frame.image)
    images = _alike([frame.image for frame in frames], target)
    lows = [frame.low for frame in frames]
    if not any(lows):
        images = codec.all_stored(images, recipe, log)
    if bilevel and target.bilevel:
        images = [_one_bit(image) for image in images]
    durations = codec.paced([frame.duration for frame in frames], log)
    return Encoder(codec, Content(recipe, images, durations, plays, extras, lows))


def _check_size(target: Format, image: Image.Image) -> None:
    if max(image.size) > target.max_side:
        raise TooLargeForFormat(
            format=target.label, most=target.max_side, width=image.width, height=image.height
        )


def _alike(images: list[Image.Image], target: Format) -> list[Image.Image]:
    """Return the frames in one common mode; pages may keep different modes."""
    if not target.gray:
        images = [_in_color(image) for image in images]
    if target.pages or len(images) == 1:
        return images
    alpha = any(image.mode in ("LA", "RGBA") for image in images)
    color = any(image.mode in ("RGB", "RGBA") for image in images)
    mode = ("RGB" if color else "L") + ("A" if alpha else "")
    return [image if image.mode == mode else image.convert(mode) for image in images]


def _in_color(image: Image.Image) -> Image.Image:
    return image.convert({"L": "RGB", "LA": "RGBA"}[image.mode]) if image.mode in ("L", "LA") else image


def _one_bit(image: Image.Image) -> Image.Image:
    """Return the picture with one bit per pixel if it is only black and white, else unchanged."""
    if image.mode != "L" or any(image.histogram()[1:255]):
        return image
    return image.convert("1", dither=Image.Dither.NONE)
