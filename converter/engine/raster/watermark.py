"""Draw a text or a logo over the frame."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from io import BytesIO
from typing import Any

from PIL import Image, ImageDraw, ImageFont

from converter.engine.errors import EngineError, InvalidRecipe, Problem
from converter.engine.messages import Message
from converter.engine.recipe_parts import Watermark

from .decode import first_picture
from .geometry import Size, placed, rounded
from .resample import resampled
from .steps import Frame, RenderContext

_MIN_FONT_SIZE = 8
_STROKE = 1 / 16
_READABLE = 0.025
_TALLEST = 0.2
_REFERENCE = 100
_ROUNDING = 1.05  # font sizes are whole pixels
_NO_CHARACTER = "\U0010ffff"


def watermark(frame: Frame, context: RenderContext) -> Frame:
    mark = context.recipe.watermark
    if mark is None:
        return frame
    size = frame.image.size
    if size not in context.overlays:
        context.overlays[size] = _overlay(mark, size, context)
    if not context.overlays[size].getbbox():
        context.log.warn("watermark_invisible")
        return frame
    base = frame.image.convert("RGBA")
    base.alpha_composite(context.overlays[size])
    context.log.note("watermarked")
    return replace(frame, image=base if frame.has_alpha else base.convert("RGB"))


def _overlay(mark: Watermark, size: Size, context: RenderContext) -> Image.Image:
    """Return a transparent picture of the frame's size with the watermark on it."""
    stamp = _text_stamp(mark, size, context) if mark.text else _picture_stamp(mark, size, context)
    overlay = Image.new("RGBA", size)
    margin = rounded(mark.margin * min(size)) if mark.margin else 0
    margin = min(margin, (size[0] - 1) // 2, (size[1] - 1) // 2)
    room = (max(1, size[0] - 2 * margin), max(1, size[1] - 2 * margin))
    stamp = _faded(_fitted(stamp, room), mark.opacity)
    if mark.tile:
        _tile(overlay, stamp)
        return overlay
    left, top = placed(stamp.size, room, mark.position)
    overlay.paste(stamp, (margin + int(left), margin + int(top)))
    return overlay


def _tile(overlay: Image.Image, stamp: Image.Image) -> None:
    """Repeat the stamp across the overlay, every second row shifted, so that cropping cannot remove it."""
    across, down = stamp.width * 3 // 2 + 1, stamp.height * 2 + 1
    for row, top in enumerate(range(0, overlay.height, down)):
        start = -(across // 2) if row % 2 else 0
        for left in range(start, overlay.width, across):
            overlay.paste(stamp, (left, top))


def _faded(stamp: Image.Image, opacity: float) -> Image.Image:
    stamp = stamp.copy()
    stamp.putalpha(stamp.getchannel("A").point([round(value * opacity) for value in range(256)]))
    return stamp


def _fitted(stamp: Image.Image, room: Size) -> Image.Image:
    scale = min(room[0] / stamp.width, room[1] / stamp.height)
    if scale >= 1:
        return stamp
    size = (rounded(stamp.width * scale), rounded(stamp.height * scale))
    return resampled(stamp, (0, 0, *stamp.size), size)


def _problem(code: str, **params: Any) -> InvalidRecipe:
    return InvalidRecipe([Problem("/watermark/image", Message(code, params))])


def _picture_stamp(mark: Watermark, size: Size, context: RenderContext) -> Image.Image:
    data = context.images.get(mark.image or "")
    if data is None:
        raise _problem("watermark_missing")
    try:
        picture = first_picture(data, context.limits).convert("RGBA")
    except EngineError as exc:
        raise _problem("watermark_unusable", reason=exc.message) from exc
    width = rounded(mark.scale * size[0])
    return resampled(picture, (0, 0, *picture.size), (width, rounded(picture.height * width / picture.width)))


def _text_stamp(mark: Watermark, size: Size, context: RenderContext) -> Image.Image:
    """Return the text, white with a dark outline to show on any background, about as wide as requested.

    Text too long for that width at a readable size is wrapped.
    """
    text = "\n".join(line for line in (mark.text or "").splitlines() if line.strip()) or " "
    missing = _missing(text)
    if missing:
        context.log.warn("glyphs_missing", characters=missing)
    width = mark.scale * size[0]
    smallest = max(_MIN_FONT_SIZE, _READABLE * min(size))
    natural = max(_font(_REFERENCE).getlength(line) for line in text.splitlines()) or 1
    fitting = _REFERENCE * width / natural
    font = _font(rounded(min(max(fitting, smallest), _TALLEST * size[1] + _MIN_FONT_SIZE)))
    room = max(width * _ROUNDING, font.size * 4)
    lines = [part for line in text.splitlines() for part in _wrapped(line, font, room)]
    align = next((side for side in ("left", "right") if side in mark.position), "center")
    stroke = rounded(font.size * _STROKE)
    canvas = ImageDraw.Draw(Image.new("L", (1, 1)))
    left, top, right, bottom = canvas.multiline_textbbox(
        (0, 0), "\n".join(lines), font, align=align, stroke_width=stroke
    )
    stamp = Image.new("RGBA", (rounded(right - left), rounded(bottom - top)))
    ImageDraw.Draw(stamp).multiline_text(
        (-left, -top),
        "\n".join(lines),
        "white",
        font,
        align=align,
        stroke_width=stroke,
        stroke_fill=(0, 0, 0, 160),
    )
    return stamp


def _wrapped(line: str, font: ImageFont.FreeTypeFont, width: float) -> list[str]:
    """Return the line wrapped at spaces, and inside words that are too wide."""
    lines, current = [], ""
    for word in line.split():
        candidate = f"{current} {word}" if current else word
        if current and font.getlength(candidate) > width:
            lines.append(current)
            candidate = word
        while len(candidate) > 1 and font.getlength(candidate) > width:
            cut = next(
                (at for at in range(len(candidate) - 1, 1, -1) if font.getlength(candidate[:at]) <= width), 1
            )
            lines.append(candidate[:cut])
            candidate = candidate[cut:]
        current = candidate
    return [*lines, current] if current else lines or [" "]


def _missing(text: str) -> str:
    """Return the characters for which the font has no glyph."""
    font = _font(_REFERENCE)
    box = bytes(font.getmask(_NO_CHARACTER))
    return "".join(
        char
        for char in dict.fromkeys(text)
        if char.isprintable() and char != " " and bytes(font.getmask(char)) == box
    )


@lru_cache(maxsize=4)
def _font(size: int) -> ImageFont.FreeTypeFont:
    """Return FiraGO, which covers Latin, Greek, Cyrillic, Arabic, Hebrew, Devanagari, Georgian and Thai."""
    from pymupdf_fonts.FiraGO_Regular import fontbuffer  # half a megabyte, needed only for watermarks

    return ImageFont.truetype(BytesIO(fontbuffer), size)
