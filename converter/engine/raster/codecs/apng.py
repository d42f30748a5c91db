"""Decode the frames of an animated PNG (W3C, PNG 3rd edition, sections 11.3.6 and 13)."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from io import BytesIO
from typing import NamedTuple

from PIL import Image

from converter.engine.errors import Corrupt, Truncated

from .compositing import Canvas, Dispose, Part
from .png_alpha import deep_gray
from .png_chunks import PROFILE, WORDS, Chunk, chunks, made

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_NOT_COMMON = (b"IDAT", b"fdAT", b"fcTL", b"acTL", b"IEND", PROFILE, *WORDS)
_OVER = 1
_DISPOSALS = (Dispose.KEEP, Dispose.CLEAR, Dispose.RESTORE)

Decode = Callable[[bytes], Image.Image]


class _Control(NamedTuple):
    """The content of an fcTL chunk, without its sequence number."""

    width: int
    height: int
    left: int
    top: int
    delay: int
    parts: int
    """The denominator of the delay, as a fraction of a second; 0 means 100."""
    dispose: int
    blend: int


def count(data: bytes) -> int | None:
    """Return the number of frames, or None if the PNG is not animated.

    The acTL chunk may declare more frames than the file contains.
    """
    told, found, is_empty = 0, 0, False
    for chunk in chunks(data):
        if chunk.kind == b"IDAT" and not told:
            return None
        if chunk.kind == b"acTL" and len(chunk.data) >= 8:
            told = told or struct.unpack(">I", chunk.data[:4])[0]
        elif chunk.kind == b"fcTL":
            is_empty = True
        elif chunk.kind in (b"IDAT", b"fdAT") and is_empty:
            found, is_empty = found + 1, False
            if found == told:
                break
    return min(told, found) or None


def counted(control: Chunk) -> bytes:
    """Return the acTL chunk with the actual number of frames, or empty bytes if there are none."""
    frames = count(control.source)
    return made(b"acTL", struct.pack(">I", frames) + control.data[4:8]) if frames else b""


def hides_default(data: bytes) -> bool:
    """Return whether the default image is not part of the animation, with no fcTL chunk before it."""
    if count(data) is None:
        return False
    for chunk in chunks(data):
        if chunk.kind in (b"IDAT", b"fcTL"):
            return chunk.kind == b"IDAT"
    return False


def whole_frame(data: bytes) -> bytes:
    """Return an fcTL chunk that makes the default image a frame."""
    return made(b"fcTL", bytes(4) + data[16:24] + bytes(14))


def frames(data: bytes, size: tuple[int, int], decode: Decode) -> Iterator[Image.Image]:
    """Yield each composited frame as RGBA, with its `duration` in milliseconds.

    `decode` decodes a still PNG. Raises Truncated and Corrupt.
    """
    canvas, shown, expected = Canvas(size), 0, count(data) or 0
    header = b""
    common: list[bytes] = []
    control: _Control | None = None
    pixels: list[bytes] = []
    for chunk in chunks(data):
        if chunk.kind in (b"fcTL", b"IEND") and control and pixels:
            yield canvas.show(
                _part(control, _still(header, common, control, pixels), decode, first=not shown)
            )
            shown += 1
            if shown == expected:
                return
        if chunk.kind == b"fcTL":
            control, pixels = _control(chunk, size), []
        elif chunk.kind == b"IHDR":
            header = chunk.data
        elif chunk.kind == b"IDAT" and control:
            pixels.append(chunk.data)
        elif chunk.kind == b"fdAT":
            pixels.append(chunk.data[4:])
        elif chunk.kind not in _NOT_COMMON and not pixels and chunk.is_usable:
            common.append(bytes(chunk.raw))
    raise Truncated


def _control(chunk: Chunk, size: tuple[int, int]) -> _Control:
    try:
        control = _Control(*struct.unpack_from(">4IHHBB", chunk.data, 4))
    except struct.error as exc:
        raise Corrupt from exc
    fits = control.left + control.width <= size[0] and control.top + control.height <= size[1]
    if not (fits and control.width and control.height) or control.dispose > 2:
        raise Corrupt
    return control


def _still(header: bytes, common: list[bytes], control: _Control, pixels: list[bytes]) -> bytes:
    """Return one frame as a still PNG."""
    own = struct.pack(">II", control.width, control.height) + header[8:]
    return b"".join(
        [_SIGNATURE, made(b"IHDR", own), *common, made(b"IDAT", b"".join(pixels)), made(b"IEND", b"")]
    )


def _part(control: _Control, still: bytes, decode: Decode, first: bool) -> Part:
    image = decode(still)
    if image.mode.startswith("I"):
        image = deep_gray(image)
    dispose = _DISPOSALS[control.dispose]
    if first and dispose is Dispose.RESTORE:
        dispose = Dispose.CLEAR
    return Part(
        image=image.convert("RGBA"),
        left=control.left,
        top=control.top,
        duration=1000 * control.delay / (control.parts or 100),
        dispose=dispose,
        replaces=control.blend != _OVER,
    )


def decoded(still: bytes, load: Callable[[Image.Image, bytes], Image.Image]) -> Image.Image:
    """Open a still PNG and decode it with `load`."""
    with Image.open(BytesIO(still), formats=["PNG"]) as image:
        return load(image, still)
