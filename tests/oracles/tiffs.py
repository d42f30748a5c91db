"""TIFFs with every layout, written byte by byte: a library's writer could share a fault with its reader."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import product
from typing import Any

import imagecodecs
import numpy as np
from numpy.typing import NDArray

from .case import HEIGHT, WIDTH, Case, picture, whole_numbers

_TILE = 16
_COMPRESSIONS: dict[str, tuple[int, Callable[[bytes], bytes | bytearray]]] = {
    "none": (1, lambda data: data),
    "packbits": (32773, lambda data: imagecodecs.packbits_encode(data)),
    "lzw": (5, lambda data: imagecodecs.lzw_encode(data)),
    "deflate": (8, zlib.compress),
    "zstd": (50000, lambda data: imagecodecs.zstd_encode(data)),
    "lzma": (34925, lambda data: imagecodecs.lzma_encode(data)),
}
_WITNESSES = ("tifffile", "vips", "magick")
_OF_VIPS = ("none", "packbits", "lzw", "deflate")
_UNSIGNED, _SIGNED, _FLOAT = 1, 2, 3
_WHITE_IS_ZERO, _BLACK_IS_ZERO, _RGB, _PALETTE, _CMYK, _YCBCR, _LAB = 0, 1, 2, 3, 5, 6, 8
_UNSPECIFIED, _ASSOCIATED, _UNASSOCIATED = 0, 1, 2


@dataclass(frozen=True)
class Kind:
    """A pixel format; `extra` is the ExtraSamples of TIFF 6.0."""

    name: str
    photometric: int
    channels: int
    bits: int
    format: int = _UNSIGNED
    extra: tuple[int, ...] = ()


@dataclass(frozen=True)
class Layout:
    order: str = "<"
    big: bool = False
    tiled: bool = False
    rows: int = HEIGHT
    planar: bool = False
    compression: str = "none"
    predictor: int = 1

    @property
    def name(self) -> str:
        words = ["II" if self.order == "<" else "MM", "big" if self.big else "", self.compression]
        words += ["tiles" if self.tiled else f"strips{self.rows}", "planar" if self.planar else ""]
        return "-".join(word for word in (*words, f"p{self.predictor}") if word)


def _kinds() -> Iterator[Kind]:
    for bits in (1, 2, 4, 8, 10, 12, 14, 16, 32):
        yield Kind(f"gray{bits}", _BLACK_IS_ZERO, 1, bits)
        yield Kind(f"white0gray{bits}", _WHITE_IS_ZERO, 1, bits)
    for bits in (8, 16, 32):
        yield Kind(f"rgb{bits}", _RGB, 3, bits)
    for bits in (10, 12):
        yield Kind(f"rgb{bits}", _RGB, 3, bits)
    for bits in (8, 16, 32):
        yield Kind(f"signed{bits}", _BLACK_IS_ZERO, 1, bits, _SIGNED)
    for bits in (16, 32, 64):
        yield Kind(f"float{bits}", _BLACK_IS_ZERO, 1, bits, _FLOAT)
        yield Kind(f"rgbfloat{bits}", _RGB, 3, bits, _FLOAT)
    for bits, (word, extra) in product(
        (8, 16), {"x": _UNSPECIFIED, "assoc": _ASSOCIATED, "alpha": _UNASSOCIATED}.items()
    ):
        yield Kind(f"gray{bits}{word}", _BLACK_IS_ZERO, 2, bits, extra=(extra,))
        yield Kind(f"rgb{bits}{word}", _RGB, 4, bits, extra=(extra,))
        yield Kind(f"cmyk{bits}{word}", _CMYK, 5, bits, extra=(extra,))
    for bits in (8, 16):
        yield Kind(f"rgb{bits}xalpha", _RGB, 5, bits, extra=(_UNSPECIFIED, _UNASSOCIATED))
        yield Kind(f"cmyk{bits}", _CMYK, 4, bits)
        yield Kind(f"lab{bits}", _LAB, 3, bits)
    for bits in (1, 2, 4, 8, 16):
        yield Kind(f"palette{bits}", _PALETTE, 1, bits)


LAYOUTS = (
    Layout(),
    Layout(order=">"),
    Layout(rows=5),
    Layout(order=">", rows=7, compression="lzw"),
    Layout(tiled=True, compression="deflate"),
    Layout(order=">", tiled=True),
    Layout(compression="packbits", rows=4),
    Layout(compression="deflate", predictor=2),
    Layout(order=">", compression="lzw", predictor=2, rows=6),
    Layout(tiled=True, compression="zstd", predictor=2),
    Layout(order=">", compression="lzma"),
    Layout(planar=True),
    Layout(order=">", planar=True, compression="deflate", predictor=2),
    Layout(planar=True, tiled=True, compression="lzw"),
    Layout(big=True, compression="deflate"),
    Layout(order=">", big=True, rows=6),
    Layout(order=">", big=True, tiled=True, compression="lzw", predictor=2),
    Layout(compression="deflate", predictor=3),
    Layout(order=">", tiled=True, compression="lzw", predictor=3),
)


def cases() -> Iterator[Case]:
    for kind, layout in product(_kinds(), LAYOUTS):
        if _is_possible(kind, layout):
            witnesses = [name for name in _WITNESSES if name != "vips" or layout.compression in _OF_VIPS]
            yield Case(f"tiff-{kind.name}-{layout.name}", made(kind, layout), witnesses, _within(kind))


def _within(kind: Kind) -> int:
    """Return the tolerance, which is larger for alpha, division by alpha, and the table-based Lab conversion."""
    if kind.photometric == _LAB:
        return 6
    if _ASSOCIATED in kind.extra:
        return 3
    return 2 if kind.extra or kind.photometric == _CMYK else 1


def _is_possible(kind: Kind, layout: Layout) -> bool:
    """Whether the combination exists: planes need several channels, predictors whole bytes or floats."""
    if layout.planar and kind.channels == 1:
        return False
    if layout.predictor == 2:
        return kind.bits in (8, 16, 32) and kind.format != _FLOAT and kind.photometric != _PALETTE
    if layout.predictor == 3:
        return kind.format == _FLOAT
    return True


def _samples(kind: Kind, order: str) -> NDArray[Any]:
    """Return the pixels as stored numbers, in the file's byte order if they fill whole bytes."""
    values = picture(kind.channels)
    if kind.photometric == _LAB:
        values = 0.4 + 0.2 * values  # near the middle, where all colours are within sRGB
    for at, extra in enumerate(kind.extra, kind.channels - len(kind.extra)):
        if extra == _ASSOCIATED:
            values[..., :at] *= values[..., at : at + 1]
    if kind.format == _FLOAT:
        return values.astype(f"{order}f{kind.bits // 8}")
    if kind.photometric == _PALETTE:
        return np.round(values * (min(256, 1 << kind.bits) - 1)).astype(f"{order}u{max(1, kind.bits // 8)}")
    if kind.format == _SIGNED:
        return whole_numbers(values, kind.bits - 1).astype(f"{order}i{kind.bits // 8}")
    numbers = whole_numbers(values, kind.bits)
    if kind.photometric == _LAB:
        half = 1 << (kind.bits - 1)
        numbers[..., 1:] = (numbers[..., 1:] + half) % (2 * half)
    if kind.bits % 8 == 0:
        return numbers.astype(f"{order}u{kind.bits // 8}")
    return numbers


def _blocks(kind: Kind, layout: Layout) -> Iterator[bytes]:
    """Yield the strips or tiles, compressed."""
    samples = _samples(kind, layout.order)
    planes = [samples[..., at : at + 1] for at in range(kind.channels)] if layout.planar else [samples]
    for plane in planes:
        for block in _cut(plane, layout):
            yield bytes(_COMPRESSIONS[layout.compression][1](_packed(block, kind, layout)))


def _cut(plane: NDArray[Any], layout: Layout) -> Iterator[NDArray[Any]]:
    if not layout.tiled:
        yield from (plane[top : top + layout.rows] for top in range(0, HEIGHT, layout.rows))
        return
    for top, left in product(range(0, HEIGHT, _TILE), range(0, WIDTH, _TILE)):
        part = plane[top : top + _TILE, left : left + _TILE]
        missing = ((0, _TILE - part.shape[0]), (0, _TILE - part.shape[1]), (0, 0))
        yield np.pad(part, missing, mode="edge")


def _packed(block: NDArray[Any], kind: Kind, layout: Layout) -> bytes:
    if layout.predictor == 2:
        block = np.concatenate([block[:, :1], np.diff(block, axis=1)], axis=1).astype(block.dtype)
    if layout.predictor == 3:
        return b"".join(_float_row(row) for row in block)
    if kind.bits % 8 == 0:
        return block.tobytes()
    return b"".join(_bits_of(row, kind.bits) for row in block)


def _float_row(row: NDArray[Any]) -> bytes:
    """Apply the predictor of Adobe's technical note 3 to a row: bytes by significance, then differences."""
    pixels, channels = row.shape
    octets = np.frombuffer(row.astype(row.dtype.newbyteorder(">")).tobytes(), np.uint8)
    ranked = octets.reshape(pixels * channels, -1).T.ravel()
    differences = ranked.copy()
    differences[channels:] -= ranked[:-channels]
    return differences.tobytes()


def _bits_of(row: NDArray[Any], bits: int) -> bytes:
    text = "".join(f"{int(value):0{bits}b}" for value in row.ravel())
    text += "0" * (-len(text) % 8)
    return int(text, 2).to_bytes(len(text) // 8, "big")


def made(kind: Kind, layout: Layout) -> bytes:
    """Return the file."""
    word = layout.order
    size = "Q" if layout.big else "I"
    head = word.replace("<", "II").replace(">", "MM").encode()
    output = bytearray(
        head + (struct.pack(word + "HHHQ", 43, 8, 0, 0) if layout.big else struct.pack(word + "HI", 42, 0))
    )
    places = []
    for block in _blocks(kind, layout):
        output += bytes(len(output) % 2)
        places.append((len(output), len(block)))
        output += block
    tags: dict[int, tuple[str, tuple[int, ...]]] = {
        256: ("H", (WIDTH,)),
        257: ("H", (HEIGHT,)),
        258: ("H", (kind.bits,) * kind.channels),
        259: ("H", (_COMPRESSIONS[layout.compression][0],)),
        262: ("H", (kind.photometric,)),
        277: ("H", (kind.channels,)),
        284: ("H", (2 if layout.planar else 1,)),
        339: ("H", (kind.format,) * kind.channels),
    }
    offsets, counts = (size, tuple(at for at, _ in places)), (size, tuple(count for _, count in places))
    if layout.tiled:
        tags |= {322: ("H", (_TILE,)), 323: ("H", (_TILE,)), 324: offsets, 325: counts}
    else:
        tags |= {273: offsets, 278: ("H", (layout.rows,)), 279: counts}
    if layout.predictor > 1:
        tags[317] = ("H", (layout.predictor,))
    if kind.extra:
        tags[338] = ("H", kind.extra)
    if kind.photometric == _PALETTE:
        tags[320] = ("H", _color_map(kind.bits))
    output += bytes(len(output) % 2)
    struct.pack_into(word + size, output, 8 if layout.big else 4, len(output))
    return bytes(output + _directory(tags, len(output), word, size))


def _color_map(bits: int) -> tuple[int, ...]:
    levels = np.linspace(0, 1, 1 << bits)
    colors = (levels, 1 - levels, np.abs(1 - 2 * levels))
    return tuple(int(round(value * 65_535)) for color in colors for value in color)


def _directory(tags: dict[int, tuple[str, tuple[int, ...]]], at: int, word: str, size: str) -> bytes:
    room, count = struct.calcsize(word + size), "Q" if size == "Q" else "H"
    entries, behind = b"", b""
    start = at + struct.calcsize(word + count) + len(tags) * (4 + 2 * room) + room
    for tag in sorted(tags):
        form, values = tags[tag]
        data = struct.pack(f"{word}{len(values)}{form}", *values)
        entries += struct.pack(word + "HH" + size, tag, {"H": 3, "I": 4, "Q": 16}[form], len(values))
        if len(data) > room:
            entries += struct.pack(word + size, start + len(behind))
            behind += data + bytes(len(data) % 2)
        else:
            entries += data.ljust(room, b"\0")
    return struct.pack(word + count, len(tags)) + entries + struct.pack(word + size, 0) + behind
