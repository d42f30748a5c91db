"""TIFF with 16 bits a channel. Pillow only writes grey, so its encoder gets the bytes and the tags are corrected."""

from __future__ import annotations

import struct
from collections.abc import Sequence

from PIL import Image, ImageChops

from converter.engine.raster.octets import joined

_WIDTH, _BITS, _PHOTOMETRIC, _SAMPLES, _PREDICTOR, _EXTRA = 256, 258, 262, 277, 317, 338
_SHORT, _LONG = 3, 4
_GRAY, _RGB, _UNASSOCIATED, _HORIZONTAL = 1, 2, 2, 2
_SIZES = {_SHORT: "H", _LONG: "I"}

_ROWS = 256


def octets_of(high: Image.Image, low: Image.Image) -> Image.Image:
    """Return a grey 8-bit picture whose rows are the bytes of the sample differences (TIFF 6.0, section 14)."""
    channels = len(high.getbands())
    made = Image.new("L", (2 * channels * high.width, high.height))
    for top in range(0, high.height, _ROWS):
        box = (0, top, high.width, min(high.height, top + _ROWS))
        size = (channels * high.width, box[3] - top)
        one, other = (Image.frombytes("L", size, half.crop(box).tobytes()) for half in (high, low))
        higher, lower = _differences(one, other, channels)
        pairs = joined(higher.tobytes(), lower.tobytes(), "little")
        made.paste(Image.frombytes("L", (2 * size[0], size[1]), pairs), (0, top))
    return made


def _differences(high: Image.Image, low: Image.Image, channels: int) -> tuple[Image.Image, Image.Image]:
    """Return the difference of each sample to the one on its left in its channel, as two 8-bit halves."""
    high_left, low_left = (_moved(half, channels) for half in (high, low))
    borrowed = ImageChops.subtract(low_left, low).point([0] + 255 * [1])
    lower = ImageChops.subtract_modulo(low, low_left)
    return ImageChops.subtract_modulo(ImageChops.subtract_modulo(high, high_left), borrowed), lower


def _moved(half: Image.Image, across: int) -> Image.Image:
    moved = Image.new("L", half.size)
    moved.paste(half, (across, 0))
    return moved


def with_tags(data: bytes, images: Sequence[Image.Image], lows: Sequence[Image.Image | None]) -> bytes:
    """Return Pillow's TIFF with the tags for 16 bits on each page that has lower bytes."""
    endian = "<" if data.startswith(b"II") else ">"
    output, link = bytearray(data), 4
    for image, low in zip(images, lows, strict=True):
        at = struct.unpack_from(endian + "I", output, link)[0]
        count = struct.unpack_from(endian + "H", output, at)[0]
        end = at + 2 + 12 * count
        if low is None:
            link = end
            continue
        entries = {_tag(entry, endian): entry for entry in _split(output[at + 2 : end])}
        following = output[end : end + 4]
        for tag, (kind, values) in _tags(image).items():
            content = struct.pack(f"{endian}{len(values)}{_SIZES[kind]}", *values)
            if len(content) > 4:
                place = _appended(output, content)
                content = struct.pack(endian + "I", place)
            entries[tag] = struct.pack(endian + "HHI", tag, kind, len(values)) + content.ljust(4, b"\0")
        directory = struct.pack(endian + "H", len(entries)) + b"".join(
            entries[tag] for tag in sorted(entries)
        )
        place = _appended(output, directory + following)
        struct.pack_into(endian + "I", output, link, place)
        link = place + len(directory)
    return bytes(output)


def _tags(image: Image.Image) -> dict[int, tuple[int, tuple[int, ...]]]:
    channels = len(image.getbands())
    tags = {
        _WIDTH: (_LONG, (image.width,)),
        _BITS: (_SHORT, (16,) * channels),
        _PHOTOMETRIC: (_SHORT, (_RGB if image.mode in ("RGB", "RGBA") else _GRAY,)),
        _SAMPLES: (_SHORT, (channels,)),
        _PREDICTOR: (_SHORT, (_HORIZONTAL,)),
    }
    if image.mode in ("LA", "RGBA"):
        tags[_EXTRA] = (_SHORT, (_UNASSOCIATED,))
    return tags


def _split(entries: bytes | bytearray) -> list[bytes]:
    return [bytes(entries[at : at + 12]) for at in range(0, len(entries), 12)]


def _tag(entry: bytes, endian: str) -> int:
    return int(struct.unpack_from(endian + "H", entry)[0])


def _appended(output: bytearray, content: bytes | bytearray) -> int:
    output += bytes(len(output) % 2)
    place = len(output)
    output += content
    return place
