"""Animated GIFs: each frame stores only what changed, and clears only what the next one needs clear.

Pillow encodes the pixels; it writes a second header where a frame is as empty as its background.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from io import BytesIO

from PIL import Image, ImageChops

from .gif_blocks import gif_blocks, palette_size

CLEAR = 255
"""The palette's index of the colour that is see-through."""

_KEEP, _DISPOSE = 1, 2
_LOCAL_PALETTE = 0x80
_MOST = 65_535

Box = tuple[int, int, int, int]


@dataclass(frozen=True)
class _Stored:
    """A frame as it is stored: the place that it covers and what becomes of it afterwards."""

    image: Image.Image
    box: Box
    dispose: int
    delay: int


def animation(images: Sequence[Image.Image], delays: Sequence[int], plays: int, comment: bytes) -> bytes:
    """Return a GIF of these palette images, which hold `CLEAR` where they are see-through.

    `delays` are milliseconds, `plays` is 0 for ever. Neighbours that look the same become one frame.
    """
    width, height = images[0].size
    parts = [struct.pack("<6sHHBBB", b"GIF89a", width, height, 0x70, 0, 0)]
    # GIF counts repeats, and plays once when it does not say.
    if plays != 1:
        repeats = min(max(0, plays - 1), _MOST)
        parts.append(b"\x21\xff\x0bNETSCAPE2.0" + struct.pack("<BBHB", 3, 1, repeats, 0))
    if comment:
        parts.append(b"\x21\xfe" + _sub_blocks(comment))
    parts += [_block(frame) for frame in _stored(images, delays)]
    return b"".join([*parts, b"\x3b"])


def _stored(images: Sequence[Image.Image], delays: Sequence[int]) -> Iterator[_Stored]:
    whole = (0, 0, *images[0].size)
    canvas = Image.new("RGBA", images[0].size)
    frames = _distinct(images, delays)
    image, seen, delay = next(frames)
    box: Box | None = whole
    while True:
        following = next(frames, None)
        vanishing = following and _vanishing(seen, following[1])
        box = _joined(box, vanishing) or (0, 0, 1, 1)
        yield _Stored(_changes(image, seen, canvas).crop(box), box, _DISPOSE if vanishing else _KEEP, delay)
        if following is None:
            return
        canvas = seen.copy()
        if vanishing:
            canvas.paste((0, 0, 0, 0), box)
        image, seen, delay = following
        box = ImageChops.difference(canvas, seen).getbbox(alpha_only=False)


def _distinct(
    images: Sequence[Image.Image], delays: Sequence[int]
) -> Iterator[tuple[Image.Image, Image.Image, int]]:
    """Yield each image that looks other than the one before, as palette and as RGBA, with how long it is seen."""
    image, seen, shown = images[0], _seen(images[0]), delays[0]
    for other, delay in zip(images[1:], delays[1:], strict=True):
        looks = _seen(other)
        if ImageChops.difference(seen, looks).getbbox(alpha_only=False) is None:
            shown += delay
            continue
        yield image, seen, shown
        image, seen, shown = other, looks, delay
    yield image, seen, shown


def _seen(image: Image.Image) -> Image.Image:
    pixels = image.convert("RGBA")
    pixels.paste((0, 0, 0, 0), mask=ImageChops.invert(pixels.getchannel("A")))
    return pixels


def _vanishing(seen: Image.Image, following: Image.Image) -> Box | None:
    """Return the place where something is now and nothing will be."""
    return ImageChops.subtract(seen.getchannel("A"), following.getchannel("A")).getbbox()


def _joined(first: Box | None, second: Box | None) -> Box | None:
    if first is None or second is None:
        return first or second
    return (
        min(first[0], second[0]),
        min(first[1], second[1]),
        max(first[2], second[2]),
        max(first[3], second[3]),
    )


def _changes(image: Image.Image, seen: Image.Image, canvas: Image.Image) -> Image.Image:
    """Return the image, clear where the canvas looks so already, if it has a clear colour: that packs best."""
    if "transparency" not in image.info:
        return image
    red, green, blue, alpha = ImageChops.difference(canvas, seen).split()
    changed = ImageChops.lighter(ImageChops.lighter(red, green), ImageChops.lighter(blue, alpha))
    stored = image.copy()
    stored.paste(CLEAR, mask=changed.point([255] + 255 * [0]))
    return stored


def _block(frame: _Stored) -> bytes:
    """Return the control and the picture, with the palette that it needs."""
    output = BytesIO()
    clear = {"transparency": CLEAR} if "transparency" in frame.image.info else {}
    frame.image.save(output, "GIF", optimize=True, interlace=0, **clear)
    data = output.getvalue()
    [found] = gif_blocks(data).images
    palette = data[13 : 13 + palette_size(data[10])]
    index = found.clear
    if clear and index is None:
        # Readers that know no other way clear a frame's place with the colour that it calls clear.
        index = len(frame.image.getcolors() or ())
        palette = palette if 3 * index < len(palette) else palette.ljust(2 * len(palette), b"\x00")
    size = (len(palette) // 3 - 1).bit_length() - 1
    left, top, right, bottom = frame.box
    return b"".join(
        [
            struct.pack("<BBBB", 0x21, 0xF9, 4, frame.dispose << 2 | (index is not None)),
            struct.pack("<HBB", min(frame.delay // 10, _MOST), index or 0, 0),
            struct.pack("<BHHHHB", 0x2C, left, top, right - left, bottom - top, _LOCAL_PALETTE | size),
            palette,
            data[found.start + 10 : found.end],
        ]
    )


def _sub_blocks(data: bytes) -> bytes:
    parts = [data[at : at + 255] for at in range(0, len(data), 255)]
    return b"".join([bytes((len(part),)) + part for part in parts]) + b"\x00"
