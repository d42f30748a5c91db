"""Animations of three frames with every blend and disposal method: APNG, GIF and WebP."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator, Sequence
from io import BytesIO
from itertools import product

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from .case import HEIGHT, WIDTH, Case, Rgba, picture
from .pngs import chunk

_DELAYS = (100, 250, 40)
_Box = tuple[int, int, int, int]
_BOXES: tuple[_Box, ...] = ((0, 0, WIDTH, HEIGHT), (4, 2, 12, 9), (8, 6, 10, 11))
"""Left, top, width and height of each frame; the offsets are even, as WebP requires."""
_INNER: tuple[_Box, ...] = ((2, 4, 16, 10), *_BOXES[1:])
_BY = ("chromium",)


def cases() -> Iterator[tuple[str, Case]]:
    """Yield each case with its file extension."""
    for case in _apngs():
        yield "png", case
    for case in _gifs():
        yield "gif", case
    for case in _webps():
        yield "webp", case


def _art(number: int, box: _Box) -> Rgba:
    """Return the pixels of a frame: some transparent, some translucent, most opaque, with its own colours."""
    _, _, width, height = box
    samples = np.roll(picture(4, width, height), number, axis=2)
    samples[..., 3] = np.select([samples[..., 0] < 0.2, samples[..., 1] < 0.3], [0, 0.5], 1)
    return np.round(samples * 255).astype(np.uint8)


def _apngs() -> Iterator[Case]:
    for first, second, one, two, hidden in product(range(3), range(3), range(2), range(2), (False, True)):
        name = f"apng-rgba-dispose{first}{second}-blend{one}{two}{'-hidden' * hidden}"
        yield Case(name, _apng("RGBA", (first, second, 0), (0, one, two), hidden), _BY, 2)
    for mode, first, second, hidden in product(("RGB", "L", "LA"), range(3), range(3), (False, True)):
        name = f"apng-{mode}-dispose{first}{second}{'-hidden' * hidden}"
        yield Case(name, _apng(mode, (first, second, 0), (0, 1, 1), hidden), _BY, 2)


def _apng(mode: str, disposals: Sequence[int], blends: Sequence[int], hidden: bool) -> bytes:
    color = {"L": 0, "RGB": 2, "LA": 4, "RGBA": 6}[mode]
    pieces = [chunk(b"IHDR", struct.pack(">IIBBBBB", WIDTH, HEIGHT, 8, color, 0, 0, 0))]
    pieces.append(chunk(b"acTL", struct.pack(">II", 3, 0)))
    if hidden:
        pieces.append(chunk(b"IDAT", _packed(Image.new(mode, (WIDTH, HEIGHT)))))
    number = 0
    for index, box in enumerate(_BOXES):
        control = (
            number,
            box[2],
            box[3],
            box[0],
            box[1],
            _DELAYS[index],
            1000,
            disposals[index],
            blends[index],
        )
        pieces.append(chunk(b"fcTL", struct.pack(">IIIIIHHBB", *control)))
        data = _packed(Image.fromarray(_art(index, box), "RGBA").convert(mode))
        if index or hidden:
            pieces.append(chunk(b"fdAT", struct.pack(">I", number + 1) + data))
            number += 2
        else:
            pieces.append(chunk(b"IDAT", data))
            number += 1
    return b"\x89PNG\r\n\x1a\n" + b"".join([*pieces, chunk(b"IEND", b"")])


def _packed(image: Image.Image) -> bytes:
    line = len(image.getbands()) * image.width
    data = image.tobytes()
    return zlib.compress(b"".join(b"\0" + data[at : at + line] for at in range(0, len(data), line)))


def _gifs() -> Iterator[Case]:
    for first, second, clear, local, inner in product(
        range(4), range(4), (False, True), (False, True), (False, True)
    ):
        words = "-clear" * clear + "-local" * local + "-inner" * inner
        data = _gif((first, second, 1), clear, local, _INNER if inner else _BOXES)
        yield Case(f"gif-dispose{first}{second}{words}", data, _BY)


def _gif(disposals: Sequence[int], clear: bool, local: bool, boxes: Sequence[_Box]) -> bytes:
    colors = bytes(value for index in range(256) for value in (index, 255 - index, (7 * index) % 256))
    output = b"GIF89a" + struct.pack("<HHBBB", WIDTH, HEIGHT, 0xF7, 9, 0) + colors
    output += b"\x21\xff\x0bNETSCAPE2.0\x03\x01\0\0\0"
    for index, box in enumerate(boxes):
        grid = np.round(picture(2, box[2], box[3])[..., index % 2] * 255).astype(np.uint8)
        control = (disposals[index] << 2) | clear
        output += b"\x21\xf9\x04" + struct.pack("<BHB", control, _DELAYS[index] // 10, 255) + b"\0"
        output += b"," + struct.pack("<HHHHB", *box, 0x87 if local else 0)
        output += (colors[::-1] if local else b"") + b"\x08" + _blocks(_codes(grid))
    return output + b";"


def _codes(grid: NDArray[np.uint8]) -> bytes:
    """Return the pixels as 9-bit LZW codes, with clear codes before they would grow."""
    codes = []
    for at, value in enumerate(grid.ravel()):
        codes += ([256] if at % 250 == 0 else []) + [int(value)]
    total = sum(code << (9 * at) for at, code in enumerate([*codes, 257]))
    return total.to_bytes((9 * (len(codes) + 1) + 7) // 8, "little")


def _blocks(data: bytes) -> bytes:
    parts = [data[at : at + 255] for at in range(0, len(data), 255)]
    return b"".join(bytes([len(part)]) + part for part in parts) + b"\0"


def _webps() -> Iterator[Case]:
    flags = (False, True)
    for first, second, one, two, inner, told in product(flags, flags, flags, flags, flags, flags):
        words = "-inner" * inner + ("" if told else "-alpha-untold")
        name = f"webp-dispose{first:d}{second:d}-over{one:d}{two:d}{words}"
        data = _webp((first, second, False), (one, two, True), _INNER if inner else _BOXES, told)
        yield Case(name, data, _BY, 2)


def _webp(disposals: Sequence[bool], overs: Sequence[bool], boxes: Sequence[_Box], told: bool) -> bytes:
    size = struct.pack("<I", WIDTH - 1)[:3] + struct.pack("<I", HEIGHT - 1)[:3]
    body = _riff(b"VP8X", bytes((0x12 if told else 0x02, 0, 0, 0)) + size)
    body += _riff(b"ANIM", bytes((200, 100, 50, 255)) + bytes(2))
    for index, box in enumerate(boxes):
        left, top, width, height = box
        head = b"".join(
            struct.pack("<I", value)[:3]
            for value in (left // 2, top // 2, width - 1, height - 1, _DELAYS[index])
        )
        output = BytesIO()
        Image.fromarray(_art(index, box), "RGBA").save(output, "WEBP", lossless=True, exact=True)
        pixels = output.getvalue()
        at = pixels.index(b"VP8L")
        body += _riff(b"ANMF", head + bytes([disposals[index] | (0 if overs[index] else 2)]) + pixels[at:])
    return b"RIFF" + struct.pack("<I", 4 + len(body)) + b"WEBP" + body


def _riff(kind: bytes, data: bytes) -> bytes:
    return kind + struct.pack("<I", len(data)) + data + bytes(len(data) % 2)
