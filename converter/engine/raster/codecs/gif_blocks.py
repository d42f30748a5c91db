"""Parse the blocks of a GIF without decoding."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from converter.engine.errors import Truncated, UnsupportedVariant

_LOOPS = (b"NETSCAPE2.0\x03\x01", b"ANIMEXTS1.0\x03\x01")
MOST_BLOCKS = 50_000  # includes stray bytes; a frame has two blocks
_Control = tuple[int, int, int | None]
_NO_CONTROL: _Control = (0, 0, None)


@dataclass(frozen=True)
class GifFrame:
    """A frame, with its image block from `start` to `end`.

    `delay` is in milliseconds. `clear` is the index of the transparent colour.
    """

    start: int
    end: int
    left: int
    top: int
    width: int
    height: int
    delay: int
    dispose: int
    clear: int | None

    @property
    def box(self) -> tuple[int, int, int, int]:
        return self.left, self.top, self.left + self.width, self.top + self.height


@dataclass(frozen=True)
class GifBlocks:
    """The frames of a GIF. `plays` is the number of loops, or 0 for endless."""

    images: tuple[GifFrame, ...]
    plays: int

    @property
    def frames(self) -> int:
        return len(self.images)

    @property
    def delays(self) -> list[int]:
        """The delay of each frame in milliseconds."""
        return [image.delay for image in self.images]


def gif_blocks(data: bytes, max_frames: int | None = None) -> GifBlocks:
    """Parse the blocks, and stop once there are more frames than `max_frames`.

    Raises Truncated and UnsupportedVariant.
    """
    try:
        return _walked(data, max_frames)
    except (IndexError, struct.error) as exc:
        raise Truncated from exc


def _walked(data: bytes, max_frames: int | None) -> GifBlocks:
    at = 13 + palette_size(data[10])
    frames: list[GifFrame] = []
    plays, control = 1, _NO_CONTROL
    for _ in range(MOST_BLOCKS):
        if at >= len(data):
            break
        kind = data[at]
        if kind == 0x3B:
            break
        if kind == 0x2C:
            end = _skip(data, at + 11 + palette_size(data[at + 9]))
            left, top, width, height = struct.unpack_from("<4H", data, at + 1)
            frames.append(GifFrame(at, end, left, top, width, height, *control))
            control = _NO_CONTROL
            if max_frames is not None and len(frames) > max_frames:
                break
            at = end
        elif kind == 0x21:
            if data[at + 1] == 0xF9:
                control = _control(data, at + 3)
            if data[at + 1] == 0xFF and data[at + 3 : at + 16] in _LOOPS:
                repeats = struct.unpack_from("<H", data, at + 16)[0]
                plays = repeats + 1 if repeats else 0
            at = _skip(data, at + 2)
        else:
            # Some encoders leave stray bytes between blocks, and decoders skip them.
            at += 1
    else:
        raise UnsupportedVariant(kind="many_parts", format="GIF")
    return GifBlocks(tuple(frames), plays)


def _control(data: bytes, at: int) -> _Control:
    """Return the delay in ms, disposal and transparent index of a graphic control extension."""
    flags, delay, clear = struct.unpack_from("<BHB", data, at)
    return 10 * delay, flags >> 2 & 7, clear if flags & 1 else None


def palette_size(flags: int) -> int:
    """Return the size in bytes of the palette according to these flags."""
    return 3 * 2 ** ((flags & 7) + 1) if flags & 0x80 else 0


def _skip(data: bytes, at: int) -> int:
    """Return the offset after a chain of sub-blocks."""
    while data[at]:
        at += data[at] + 1
    return at + 1
