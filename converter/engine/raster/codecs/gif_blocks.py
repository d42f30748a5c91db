"""What the blocks of a GIF say, decoding nothing."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from converter.engine.errors import Truncated

_LOOPS = (b"NETSCAPE2.0\x03\x01", b"ANIMEXTS1.0\x03\x01")


@dataclass(frozen=True)
class GifBlocks:
    """`plays` is how often the animation runs, 0 for ever; `delays` are milliseconds, one per frame."""

    frames: int
    plays: int
    delays: tuple[int, ...]


def gif_blocks(data: bytes, max_frames: int | None = None) -> GifBlocks:
    """Return what the blocks say; stop counting just above `max_frames`.

    Raises Truncated, Corrupt.
    """
    try:
        return _walked(data, max_frames)
    except (IndexError, struct.error) as exc:
        raise Truncated from exc


def _walked(data: bytes, max_frames: int | None) -> GifBlocks:
    at = 13 + _palette(data[10])
    frames, plays, delay, delays = 0, 1, 0, []
    while at < len(data):
        kind = data[at]
        if kind == 0x3B:
            break
        if kind == 0x2C:
            frames += 1
            delays.append(delay)
            delay = 0
            if max_frames is not None and frames > max_frames:
                break
            at = _skip(data, at + 11 + _palette(data[at + 9]))
        elif kind == 0x21:
            label = data[at + 1]
            if label == 0xF9:
                delay = 10 * struct.unpack_from("<H", data, at + 4)[0]
            if label == 0xFF and data[at + 3 : at + 16] in _LOOPS:
                repeats = struct.unpack_from("<H", data, at + 16)[0]
                plays = repeats + 1 if repeats else 0
            at = _skip(data, at + 2)
        else:
            # Some writers leave stray bytes between blocks; decoders step over them.
            at += 1
    return GifBlocks(frames, plays, tuple(delays))


def _palette(flags: int) -> int:
    return 3 * 2 ** ((flags & 7) + 1) if flags & 0x80 else 0


def _skip(data: bytes, at: int) -> int:
    """Return where a chain of sub-blocks ends."""
    while data[at]:
        at += data[at] + 1
    return at + 1
