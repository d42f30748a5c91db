"""Composite animation frames on a transparent canvas, with blending and disposal as in browsers."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from PIL import Image

Box = tuple[int, int, int, int]


class Dispose(Enum):
    """How the area of a frame is reset before the next frame is drawn."""

    KEEP = 0
    CLEAR = 1
    RESTORE = 2


@dataclass(frozen=True)
class Part:
    """A stored frame: RGBA pixels for an area of the canvas, and a duration in milliseconds."""

    image: Image.Image
    left: int
    top: int
    duration: float
    dispose: Dispose
    replaces: bool
    """Whether the frame replaces the canvas pixels and their alpha instead of being blended over them."""


class Canvas:
    def __init__(self, size: tuple[int, int]) -> None:
        self._canvas = Image.new("RGBA", size)

    def show(self, part: Part) -> Image.Image:
        """Draw the frame and return a copy of the visible canvas."""
        canvas, box = self._canvas, self._place(part)
        before = canvas.crop(box) if part.dispose is Dispose.RESTORE else None
        image = part.image.crop((0, 0, box[2] - box[0], box[3] - box[1]))
        if part.replaces:
            canvas.paste(image, box)
        else:
            canvas.alpha_composite(image, box[:2])
        shown = canvas.copy()
        shown.info["duration"] = part.duration
        if part.dispose is Dispose.CLEAR:
            canvas.paste((0, 0, 0, 0), box)
        elif before is not None:
            canvas.paste(before, box)
        return shown

    def _place(self, part: Part) -> Box:
        """Return the canvas area that the frame covers."""
        width, height = self._canvas.size
        left, top = min(part.left, width), min(part.top, height)
        return left, top, min(width, left + part.image.width), min(height, top + part.image.height)
