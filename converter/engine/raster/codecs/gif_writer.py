"""Write GIFs from palette images. Each frame stores only the changed area, in the smallest encoding.

Pillow compresses the pixels, but its GIF writer gives each frame 8-bit codes and its own palette.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from io import BytesIO

from PIL import Image, ImageChops, ImageFile

_KEEP, _DISPOSE = 1, 2
_HAS_PALETTE = 0x80
_MOST = 65_535

Box = tuple[int, int, int, int]
Colors = tuple[bytes, ...]


@dataclass(frozen=True)
class _Stored:
    """A frame to store: alternative contents (`ways`), the area that it covers, its disposal and delay."""

    ways: Sequence[Image.Image]
    box: Box
    dispose: int
    delay: int


@dataclass(frozen=True)
class _Table:
    """A palette and its transparent index."""

    colors: Colors
    clear: int | None
    numbers: Sequence[int]
    """Maps the palette indices of an image to indices in this palette."""

    @property
    def depth(self) -> int:
        """The number of bits per index."""
        return max(1, (max(len(self.colors), (self.clear or 0) + 1) - 1).bit_length())

    @property
    def data(self) -> bytes:
        return b"".join(self.colors).ljust(3 * 2**self.depth, b"\x00")


def animation(images: Sequence[Image.Image], delays: Sequence[int], plays: int, words: bytes) -> bytes:
    """Return a GIF of these palette images, which use `CLEAR` for transparent pixels.

    `delays` are in milliseconds, `plays` is the number of loops or 0 for endless, and `words` are the text
    blocks. Equal consecutive images become one frame.
    """
    width, height = images[0].size
    shared = _shared(images)
    head = _HAS_PALETTE | (shared.depth - 1) if shared else 0
    parts = [
        struct.pack("<6sHHBBB", b"GIF89a", width, height, 0x70 | head, 0, 0),
        shared.data if shared else b"",
    ]
    # GIF stores the number of repeats, and without it the animation plays once.
    if plays != 1:
        repeats = min(max(0, plays - 1), _MOST)
        parts.append(b"\x21\xff\x0bNETSCAPE2.0" + struct.pack("<BBHB", 3, 1, repeats, 0))
    parts.append(words)
    parts += [_block(frame, shared) for frame in _stored(images, delays)]
    return b"".join([*parts, b"\x3b"])


def _shared(images: Sequence[Image.Image]) -> _Table | None:
    """Return the palette if all images have the same one, otherwise None."""
    palette = images[0].getpalette()
    if any(image.getpalette() != palette for image in images[1:]):
        return None
    used: set[int] = set().union(*(_used(image) for image in images))
    return _table(images[0], used)


def _used(image: Image.Image) -> set[int]:
    return {index for index, count in enumerate(image.histogram()) if count}


def _table(image: Image.Image, used: set[int]) -> _Table:
    """Return a palette of the used colours, with the transparent one last."""
    palette, clear = bytes(image.getpalette() or b""), image.info.get("transparency")
    kept = sorted(used - {clear})
    numbers = [0] * 256
    for number, index in enumerate(kept):
        numbers[index] = number
    if clear is not None:
        numbers[clear] = len(kept)
    colors = tuple(palette[3 * index : 3 * index + 3] for index in kept)
    return _Table(colors, None if clear is None else len(kept), numbers)


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
        ways = [way.crop(box) for way in _ways(image, seen, canvas)]
        yield _Stored(ways, box, _DISPOSE if vanishing else _KEEP, delay)
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
    """Yield each image that differs from the previous one, as palette and RGBA image, with its duration."""
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
    """Return the bounding box of the pixels that become transparent, or None."""
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


def _ways(image: Image.Image, seen: Image.Image, canvas: Image.Image) -> list[Image.Image]:
    """Return the alternative contents for an image.

    They are the image itself and, if an index is free, the image with unchanged pixels transparent.
    """
    red, green, blue, alpha = ImageChops.difference(canvas, seen).split()
    changed = ImageChops.lighter(ImageChops.lighter(red, green), ImageChops.lighter(blue, alpha))
    changed = changed.point([0] + 255 * [255])
    clear = image.info.get("transparency")
    if clear is None:
        clear = next((index for index, count in enumerate(image.histogram(changed)) if not count), None)
    if clear is None:
        return [image]
    stored = image.copy()
    stored.paste(clear, mask=ImageChops.invert(changed))
    stored.info["transparency"] = clear
    return [image, stored]


def _block(frame: _Stored, shared: _Table | None) -> bytes:
    """Return the smallest control extension and image block, with the shared or an own palette."""
    found = []
    for image in frame.ways:
        own = _table(image, _used(image))
        serves = shared is not None and (own.clear is None or shared.clear is not None)
        if shared and serves:
            found.append(_packed(image, frame, shared, b""))
        if not shared or not serves or own.depth < shared.depth:
            found.append(_packed(image, frame, own, own.data))
    return min(found, key=len)


def _packed(image: Image.Image, frame: _Stored, table: _Table, palette: bytes) -> bytes:
    left, top, right, bottom = frame.box
    return b"".join(
        [
            struct.pack("<BBBB", 0x21, 0xF9, 4, frame.dispose << 2 | (table.clear is not None)),
            struct.pack("<HBB", min(frame.delay // 10, _MOST), table.clear or 0, 0),
            struct.pack("<BHHHH", 0x2C, left, top, right - left, bottom - top),
            bytes((_HAS_PALETTE | (table.depth - 1) if palette else 0,)),
            palette,
            _pixels(image.point(table.numbers)),
        ]
    )


def _pixels(image: Image.Image) -> bytes:
    """Return the compressed indices, with the shortest codes for the largest index, at least 2 bits."""
    largest = image.getextrema()[1]
    assert isinstance(largest, int)
    bits = max(2, largest.bit_length())
    output = BytesIO()
    ImageFile._save(image, output, [ImageFile._Tile("gif", (0, 0, *image.size), 0, ("P", bits, 0))])
    return bytes((bits,)) + output.getvalue() + b"\x00"


def sub_blocks(data: bytes) -> bytes:
    parts = [data[at : at + 255] for at in range(0, len(data), 255)]
    return b"".join([bytes((len(part),)) + part for part in parts]) + b"\x00"
