"""Write TIFF pixels as Deflate strips with a predictor, into a file that Pillow wrote without them.

Pillow's encoder uses zlib, which takes three times as long, and supports only 8 bits per colour channel.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence

from PIL import Image, ImageChops

from converter.engine.raster.octets import joined

from .deflate import compressed

MODES = ("L", "LA", "RGB", "RGBA")

_WIDTH, _HEIGHT, _BITS, _OFFSETS, _ROWS, _LENGTHS, _PREDICTOR = 256, 257, 258, 273, 278, 279, 317
_SHORT, _LONG = 3, 4
_SIZES = {_SHORT: "H", _LONG: "I"}
_HORIZONTAL = 2
_STRIP = 2**20  # uncompressed bytes


def stand_in(image: Image.Image) -> Image.Image:
    """Return a placeholder for Pillow to write if `with_pixels` adds the pixels, otherwise the image."""
    return Image.new(image.mode, (1, 1)) if image.mode in MODES else image


def with_pixels(shell: bytes, images: Sequence[Image.Image], lows: Sequence[Image.Image | None]) -> bytes:
    """Return the TIFF with the pixels of all pages that have placeholders."""
    file = _File(shell)
    link, at = file.head, 4
    for image, low in zip(images, lows, strict=True):
        [start] = struct.unpack_from(file.endian + "I", link, at)
        [count] = struct.unpack_from(file.endian + "H", shell, start)
        end = start + 2 + 12 * count
        if image.mode not in MODES:
            link, at = file.head, end
            continue
        entries = {
            struct.unpack_from(file.endian + "H", shell, place)[0]: shell[place : place + 12]
            for place in range(start + 2, end, 12)
        }
        entries |= {tag: file.entry(tag, *value) for tag, value in _tags(file, image, low).items()}
        directory = bytearray(struct.pack(file.endian + "H", len(entries)))
        directory += b"".join(entries[tag] for tag in sorted(entries)) + shell[end : end + 4]
        struct.pack_into(file.endian + "I", link, at, file.place(directory))
        link, at = directory, len(directory) - 4
    return b"".join(file.parts)


class _File:
    """A TIFF to which data is appended."""

    def __init__(self, shell: bytes) -> None:
        self.endian = "<" if shell.startswith(b"II") else ">"
        self.head = bytearray(shell)
        self.parts: list[bytes | bytearray] = [self.head]
        self._end = len(shell)

    def place(self, content: bytes | bytearray) -> int:
        """Append the content at an even offset (TIFF 6.0, section 2) and return the offset."""
        filler = bytes(self._end % 2)
        self.parts += [filler, content]
        place = self._end + len(filler)
        self._end = place + len(content)
        return place

    def entry(self, tag: int, kind: int, values: Sequence[int]) -> bytes:
        content = struct.pack(f"{self.endian}{len(values)}{_SIZES[kind]}", *values)
        if len(content) > 4:
            content = struct.pack(self.endian + "I", self.place(content))
        return struct.pack(self.endian + "HHI", tag, kind, len(values)) + content.ljust(4, b"\0")


def _tags(file: _File, image: Image.Image, low: Image.Image | None) -> dict[int, tuple[int, Sequence[int]]]:
    """Append the pixels and return the types and values of the tags that describe them."""
    bands = len(image.getbands())
    bits = 16 if low else 8
    rows = max(1, _STRIP // (bands * bits // 8 * image.width))
    strips = [(len(strip), file.place(strip)) for strip in _strips(image, low, rows, file.endian)]
    return {
        _WIDTH: (_LONG, [image.width]),
        _HEIGHT: (_LONG, [image.height]),
        _BITS: (_SHORT, [bits] * bands),
        _ROWS: (_LONG, [rows]),
        _LENGTHS: (_LONG, [length for length, _ in strips]),
        _OFFSETS: (_LONG, [place for _, place in strips]),
        _PREDICTOR: (_SHORT, [_HORIZONTAL]),
    }


def _strips(
    image: Image.Image, low: Image.Image | None, rows: int, endian: str
) -> Iterator[bytes | bytearray]:
    for top in range(0, image.height, rows):
        box = (0, top, image.width, min(top + rows, image.height))
        part = image.crop(box)
        yield compressed(_deep_differences(part, low.crop(box), endian) if low else _differences(part))


def _differences(part: Image.Image) -> bytes:
    """Apply horizontal differencing (TIFF 6.0, section 14)."""
    return ImageChops.subtract_modulo(part, _moved(part)).tobytes()


def _deep_differences(high: Image.Image, low: Image.Image, endian: str) -> bytes:
    low_left = _moved(low)
    borrows = ImageChops.subtract(low_left, low).point(([0] + 255 * [1]) * len(low.getbands()))
    higher = ImageChops.subtract_modulo(ImageChops.subtract_modulo(high, _moved(high)), borrows)
    lower = ImageChops.subtract_modulo(low, low_left)
    return joined(higher.tobytes(), lower.tobytes(), "little" if endian == "<" else "big")


def _moved(part: Image.Image) -> Image.Image:
    moved = Image.new(part.mode, part.size, (0,) * len(part.getbands()))
    moved.paste(part, (1, 0))
    return moved
