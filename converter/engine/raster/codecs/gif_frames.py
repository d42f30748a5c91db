"""Decode the frames of a GIF one by one and composite them as browsers do."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from io import BytesIO

from PIL import Image

from .compositing import Canvas, Dispose, Part
from .gif_blocks import GifFrame, gif_blocks, palette_size

# Some encoders set the third bit (4) instead of the value 3.
_DISPOSALS = {2: Dispose.CLEAR, 3: Dispose.RESTORE, 4: Dispose.RESTORE}


def frames(data: bytes, size: tuple[int, int]) -> Iterator[Image.Image]:
    """Yield each composited frame as RGBA, with its `duration` in milliseconds.

    Raises Truncated and Corrupt.
    """
    canvas = Canvas(size)
    for frame in gif_blocks(data).images:
        yield canvas.show(
            Part(
                image=_pixels(data, frame),
                left=frame.left,
                top=frame.top,
                duration=frame.delay,
                dispose=_DISPOSALS.get(frame.dispose, Dispose.KEEP),
                replaces=False,
            )
        )


def _pixels(data: bytes, frame: GifFrame) -> Image.Image:
    """Return the frame as RGBA, or one transparent pixel if it is empty, which browsers ignore."""
    if not (frame.width and frame.height):
        return Image.new("RGBA", (1, 1))
    with Image.open(BytesIO(_still(data, frame)), formats=["GIF"]) as image:
        return image.convert("RGBA")


def _still(data: bytes, frame: GifFrame) -> bytes:
    """Return one frame as a GIF whose canvas is the size of the frame."""
    head = data[:6] + struct.pack("<HH", frame.width, frame.height) + data[10:11] + b"\x00" + data[12:13]
    palette = data[13 : 13 + palette_size(data[10])]
    place = bytearray(data[frame.start : frame.end])
    place[1:5] = bytes(4)
    clear = b"" if frame.clear is None else struct.pack("<BBBBHBB", 0x21, 0xF9, 4, 1, 0, frame.clear, 0)
    return head + palette + clear + bytes(place) + b"\x3b"
