"""What every codec does, as most formats need it. A codec overrides what is different about its own."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO
from typing import Any

from PIL import Image

from converter.engine.formats import Format
from converter.engine.report import Log

from .content import Content

Settings = dict[str, Any]


class Codec:
    """One format: how its files are written.

    Each module of this package has one, in `codec`; its `format` is the row in `converter.engine.formats`.
    """

    format: Format
    pillow: str
    """Pillow's name for it."""

    def stored(self, image: Image.Image, log: Log) -> Image.Image:
        """Return the image in a mode that the format stores."""
        return image

    def settings(self, content: Content, quality: int | None) -> Settings:
        """Return what the encoder is told, as the report shows it. `quality` is None where nothing is lost."""
        return {} if quality is None else {"quality": quality}

    def hidden(self, content: Content) -> Settings:
        """Return encoder arguments that are about this picture or this process, and say nothing to people."""
        if not content.is_animation:
            return {}
        durations = {"duration": list(content.durations)}
        return {**durations, "loop": content.plays} if self.format.loops else durations

    def carried(self, content: Content) -> Settings:
        """Return the metadata, profile and dpi as the encoder takes them."""
        return dict(content.extras)

    def parts(self, content: Content) -> Sequence[Content]:
        """Return the content in runs that are written one after the other: pages that cannot share settings."""
        return [content]

    def has_quality(self, image: Image.Image) -> bool:
        """Whether a quality changes how the encoder writes this image."""
        return self.format.quality

    def picture(self, data: bytes) -> bytes:
        """Return the first picture of a file as a file that can be decoded."""
        return data

    def finished(self, data: bytes, content: Content) -> bytes:
        """Return the file with whatever the encoder left undone."""
        return data

    def frames_in(self, data: bytes, content: Content) -> int:
        """Return how many frames the encoder wrote; some merge equal neighbours."""
        return len(content.images)

    def encode(self, content: Content, quality: int | None) -> bytes:
        """Return the file's bytes. Raises whatever the encoder does."""
        output = BytesIO()
        for part in self.parts(content):
            self._write(part, quality, output)
        return self.finished(output.getvalue(), content)

    def _write(self, content: Content, quality: int | None, output: BytesIO) -> None:
        """Write the file, or add pages to the one that is there."""
        arguments = {**self.settings(content, quality), **self.hidden(content), **self.carried(content)}
        if output.tell():
            arguments["append"] = True
        first, *others = [_fresh(image) for image in content.images]
        if others:
            arguments.update(save_all=True, append_images=others)
        first.save(output, self.pillow, **arguments)


def _fresh(image: Image.Image) -> Image.Image:
    """Return an image of the same pixels: encoders leave settings on what they get, where the next would find them."""
    image.load()
    fresh = image._new(image.im)
    fresh.readonly = 1  # whoever draws on it draws on a copy
    return fresh
