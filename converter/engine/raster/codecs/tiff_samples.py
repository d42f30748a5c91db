"""Decode TIFFs with bit depths and channels that Pillow has no mode for.

The compressed strips or tiles are passed to libtiff as an 8-bit grey image whose width is the number of bytes
in a row. This returns the raw samples, which are combined here.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from io import BytesIO
from itertools import accumulate, product
from math import lcm
from typing import Any, NamedTuple

from PIL import Image, ImageChops, ImageMath, TiffImagePlugin

from converter.engine.raster import floats
from converter.engine.raster.octets import LOW, halves

from .tiff_sums import running_sums

_WIDTH, _LENGTH, _BITS, _COMPRESSION, _FILL_ORDER = 256, 257, 258, 259, 266
_PHOTOMETRIC, _SAMPLES, _PLANAR, _PREDICTOR, _EXTRA, _FORMAT = 262, 277, 284, 317, 338, 339
_STRIPS, _ROWS, _STRIP_BYTES = 273, 278, 279
_TILE_WIDTH, _TILE_LENGTH, _TILES, _TILE_BYTES = 322, 323, 324, 325
_WHITE_IS_ZERO, _RGB, _CMYK = 0, 2, 5
_ASSOCIATED, _UNASSOCIATED, _SEPARATE = 1, 2, 2
_UNSIGNED, _FLOAT = 1, 3
_DIFFERENCES, _FLOAT_DIFFERENCES = 2, 3

_COLORS = {0: 1, 1: 1, 2: 3, 5: 4}
"""The number of colour channels by PhotometricInterpretation."""
_MODES = {
    (1, False): "L",
    (1, True): "LA",
    (3, False): "RGB",
    (3, True): "RGBA",
    (4, False): "CMYK",
    (4, True): "RGBA",
}
_DEPTHS = {_UNSIGNED: (8, 10, 12, 14, 16, 32), _FLOAT: (16, 32, 64)}
_MOST_EXTRA = 2
_WIDEST_TILE = 16_384
_FEW = 500_000
_PLAIN = (1, 5, 8, 32773, 32946, 34925, 50000)
"""The general-purpose compressions: none, LZW, Deflate, PackBits, LZMA, Zstandard."""


class Layout(NamedTuple):
    """How a page stores its pixels, as a key of Pillow's table of layouts."""

    order: bytes
    photometric: int
    formats: tuple[int, ...]
    fill_order: int
    bits: tuple[int, ...]
    extra: tuple[int, ...]


@cache
def layouts() -> Mapping[Layout, str]:
    """Return the layouts that are read here and their modes."""
    found: dict[Layout, str] = {}
    extras = [extra for count in range(_MOST_EXTRA + 1) for extra in product(range(3), repeat=count)]
    for order, photometric, format, extra in product((b"II", b"MM"), _COLORS, _DEPTHS, extras):
        colors = _COLORS[photometric]
        mode = _MODES[colors, any(kind in (_ASSOCIATED, _UNASSOCIATED) for kind in extra)]
        for bits in _DEPTHS[format]:
            all_bits = (bits,) * (colors + len(extra))
            found[Layout(order, photometric, (format,), 1, all_bits, extra)] = mode
    return found


def extra_of(photometric: int, channels: int, stated: tuple[int, ...]) -> tuple[int, ...]:
    """Return the kinds of the extra channels. A fourth channel of RGB that the file does not explain is alpha."""
    return (_UNASSOCIATED,) if (photometric, channels, stated) == (_RGB, _COLORS[_RGB] + 1, ()) else stated


def is_read_here(layout: Layout, compression: int, separate: bool, known: Mapping[Any, object]) -> bool:
    """Return whether this module should read a page. `known` are the layouts that Pillow reads."""
    if layout not in layouts() or compression not in _PLAIN:
        return False
    deep_planes = len(layout.bits) > 1 and layout.bits[0] > 8
    if layout not in known or (separate and (layout.extra or deep_planes)):
        return True
    # 8 bits are not enough for dividing by alpha.
    return _ASSOCIATED in layout.extra and layout.bits[0] > 8


@dataclass(frozen=True)
class _Page:
    tags: Any
    data: bytes
    order: str
    size: tuple[int, int]
    channels: int
    bits: int
    is_float: bool
    separate: bool

    @property
    def together(self) -> int:
        """The number of adjacent samples per pixel."""
        return 1 if self.separate else self.channels

    def value(self, tag: int, default: int) -> int:
        found = self.tags.get(tag, default)
        return int(found[0] if isinstance(found, tuple) else found)

    def values(self, tag: int) -> tuple[int, ...]:
        found = self.tags.get(tag, ())
        return tuple(found) if isinstance(found, tuple) else (found,)


def loaded(image: TiffImagePlugin.TiffImageFile, data: bytes) -> tuple[Image.Image, Image.Image | None]:
    """Return the colours of the current page as 8-bit L, RGB or CMYK, and its alpha channel or None, as stored.

    Low bytes of deeper samples are in `info`. Raises EOFError if pixels are outside the file.
    """
    page = _page(image, data)
    bands, alpha = _color_channels(page)
    white = image.info.get(floats.WHITE) or floats.white_of(bands) if page.is_float else 1.0
    photometric = page.value(_PHOTOMETRIC, 0)
    made = _halves(_MODES[len(bands), False], bands, white, is_inverted=photometric == _WHITE_IS_ZERO)
    made.info[floats.WHITE] = white
    return made, alpha and _halves("L", [alpha], 1.0)


def highest(image: TiffImagePlugin.TiffImageFile, data: bytes) -> float | None:
    """Return the highest plausible value of a page in floating point."""
    return floats.highest(_color_channels(_page(image, data))[0])


def _color_channels(page: _Page) -> tuple[list[Image.Image], Image.Image | None]:
    """Return the colours, no longer premultiplied, and the alpha channel or None."""
    photometric = page.value(_PHOTOMETRIC, 0)
    extra, colors = extra_of(photometric, page.channels, page.values(_EXTRA)), _COLORS[photometric]
    channels = _channels(page)
    bands = channels[:colors]
    opaque = next((at for at, kind in enumerate(extra, colors) if kind in (_ASSOCIATED, _UNASSOCIATED)), None)
    if opaque is None:
        return bands, None
    alpha = channels[opaque]
    if extra[opaque - colors] == _ASSOCIATED:
        brightest = max(1.0, floats.highest(bands) or 0) if page.is_float else None
        bands = [_divided(band, alpha, brightest) for band in bands]
    return bands, alpha


def _page(image: TiffImagePlugin.TiffImageFile, data: bytes) -> _Page:
    tags = image.tag_v2
    bits, format = tags[_BITS], tags.get(_FORMAT, _UNSIGNED)
    return _Page(
        tags=tags,
        data=data,
        order="<" if tags.prefix == b"II" else ">",
        size=(int(tags[_WIDTH]), int(tags[_LENGTH])),
        channels=int(tags.get(_SAMPLES, 1)),
        bits=int(bits[0] if isinstance(bits, tuple) else bits),
        is_float=(format[0] if isinstance(format, tuple) else format) == _FLOAT,
        separate=tags.get(_PLANAR, 1) == _SEPARATE,
    )


def _channels(page: _Page) -> list[Image.Image]:
    """Return the channels, in mode F for floats, L for 8 bits, or I with the highest 16 bits."""
    planes = page.channels if page.separate else 1
    found = []
    for plane in range(planes):
        run, row, octets = _octets(page, plane, planes)
        order, predictor = page.order, page.value(_PREDICTOR, 1) if page.bits % 8 == 0 else 1
        if predictor == _FLOAT_DIFFERENCES:
            octets, order = _ranked(octets, run, page), ">"
        elif predictor == _DIFFERENCES:
            octets = _summed(octets, run, page)
        if page.bits % 8:
            octets, order = _widened(octets, row, page), ">"
        else:
            octets = _cropped(octets, row, page)
        found += [_channel(octets, channel, order, page) for channel in range(page.together)]
    return found


def _octets(page: _Page, plane: int, planes: int) -> tuple[int, int, bytes]:
    """Return the decompressed image, or one plane of it, with complete tiles.

    The first two values are the bytes per row of a strip or tile, and the bytes per row of the image.
    """
    width, height = page.size
    a_pixel = page.bits * page.together
    row = (width * a_pixel + 7) // 8
    run, tiled = row, bool(page.values(_TILES))
    if tiled:
        run = page.value(_TILE_WIDTH, 0) * a_pixel // 8
        if not 0 < run <= row + _WIDEST_TILE * a_pixel // 8:
            raise ValueError  # rejects invalid tile widths, which would take too much memory
        row = -(-row // run) * run
    held_in = (_TILES, _TILE_BYTES) if tiled else (_STRIPS, _STRIP_BYTES)
    tags = {
        _WIDTH: [row],
        _LENGTH: [height],
        _BITS: [8],
        _COMPRESSION: [page.value(_COMPRESSION, 1)],
        _PHOTOMETRIC: [1],
        _FILL_ORDER: [page.value(_FILL_ORDER, 1)],
        _SAMPLES: [1],
    }
    if tiled:
        tags |= {
            _TILE_WIDTH: [run],
            _TILE_LENGTH: [page.value(_TILE_LENGTH, 0)],
        }
    else:
        tags[_ROWS] = [min(height, page.value(_ROWS, height))]
    file = _tiff(tags, _parts(page, plane, planes, *held_in), *held_in)
    return run, row, _decoded(file, (row, height))


def _parts(page: _Page, plane: int, planes: int, offsets_tag: int, sizes_tag: int) -> list[bytes]:
    """Return the compressed strips or tiles of one plane."""
    places = list(zip(page.values(offsets_tag), page.values(sizes_tag), strict=True))
    each = len(places) // planes
    parts = []
    for at, size in places[plane * each : (plane + 1) * each]:
        if at + size > len(page.data):
            raise EOFError
        parts.append(page.data[at : at + size])
    return parts


def _tiff(tags: Mapping[int, Sequence[int]], parts: Sequence[bytes], offsets: int, sizes: int) -> bytes:
    """Return a TIFF with these tags and strips or tiles."""
    count = len(parts)
    start = 8 + 2 + 12 * (len(tags) + 2) + 4
    behind = start + (8 * count if count > 1 else 0)
    places = list(accumulate((len(part) for part in parts), initial=behind))[:count]
    numbers = {**tags, offsets: places, sizes: [len(part) for part in parts]}
    entries, arrays = b"", b""
    for tag in sorted(numbers):
        values = struct.pack(f"<{len(numbers[tag])}I", *numbers[tag])
        entries += struct.pack("<HHI", tag, 4, len(numbers[tag]))
        if len(values) > 4:
            entries += struct.pack("<I", start + len(arrays))
            arrays += values
        else:
            entries += values
    return b"".join([b"II*\0", struct.pack("<IH", 8, len(numbers)), entries, bytes(4), arrays, *parts])


def _decoded(file: bytes, size: tuple[int, int]) -> bytes:
    # A pixel is one byte here, and the real number of pixels has been checked.
    most, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
    try:
        with Image.open(BytesIO(file), formats=["TIFF"]) as image:
            if image.size != size or image.mode != "L":
                raise ValueError
            return image.tobytes()
    finally:
        Image.MAX_IMAGE_PIXELS = most


def _cropped(octets: bytes, row: int, page: _Page) -> bytes:
    """Return the bytes without the parts of tiles outside the image."""
    width, height = page.size
    wanted = width * page.together * page.bits // 8
    if row == wanted:
        return octets
    return Image.frombytes("L", (row, height), octets).crop((0, 0, wanted, height)).tobytes()


def _summed(octets: bytes, run: int, page: _Page) -> bytes:
    """Undo horizontal differencing (TIFF 6.0, section 14)."""
    wide = page.bits // 8
    ranks = range(wide) if page.order == "<" else range(wide - 1, -1, -1)
    summed = bytearray(len(octets))
    some = run * max(1, _FEW // run)  # small enough for the processor's cache
    for start in range(0, len(octets), some):
        part = octets[start : start + some]
        size = (run // wide, len(part) // run)
        planes = [Image.frombytes("L", size, part[rank::wide]) for rank in ranks]
        for rank, plane in zip(ranks, running_sums(planes, page.together), strict=True):
            summed[start + rank : start + some : wide] = plane.tobytes()
    return bytes(summed)


def _ranked(octets: bytes, run: int, page: _Page) -> bytes:
    """Undo the floating-point predictor, and return big-endian samples (Adobe, technical note 3)."""
    wide = page.bits // 8
    each, made = run // wide, bytearray(len(octets))
    some = run * max(1, _FEW // run)
    for start in range(0, len(octets), some):
        part = octets[start : start + some]
        height = len(part) // run
        (plane,) = running_sums([Image.frombytes("L", (run, height), part)], page.together)
        for rank in range(wide):
            samples = plane.crop((rank * each, 0, (rank + 1) * each, height)).tobytes()
            made[start + rank : start + some : wide] = samples
    return bytes(made)


def _widened(octets: bytes, row: int, page: _Page) -> bytes:
    """Return samples of 10, 12 or 14 bits as 16-bit big-endian, shifted left, without the padding of rows."""
    group = lcm(page.bits, 8) // 8
    samples = group * 8 // page.bits
    width, height = page.size
    groups = -(-row // group)
    filled = Image.frombytes("L", (row, height), octets).crop((0, 0, groups * group, height)).tobytes()
    wide = bytearray(2 * samples * groups * height)
    for sample in range(samples):
        for half in range(2):
            wide[2 * sample + half :: 2 * samples] = _octet(
                filled, sample * page.bits + 8 * half, page.bits - 8 * half, group
            )
    line = 2 * samples * groups
    wanted = 2 * width * page.together
    return Image.frombytes("L", (line, height), bytes(wide)).crop((0, 0, wanted, height)).tobytes()


def _octet(octets: bytes, bit: int, left: int, group: int) -> bytes:
    """Return 8 bits from offset `bit` of each group, with all but the first `left` bits zero."""
    at, shift = divmod(bit, 8)
    keep = 0xFF & (0xFF << max(0, 8 - left))
    high = octets[at::group].translate(bytes((value << shift) & keep & 255 for value in range(256)))
    if not shift or at + 1 >= group:
        return high
    low = octets[at + 1 :: group].translate(bytes((value >> (8 - shift)) & keep for value in range(256)))
    both = int.from_bytes(high, "big") | int.from_bytes(low, "big")
    return both.to_bytes(len(high), "big")


def _channel(octets: bytes, channel: int, order: str, page: _Page) -> Image.Image:
    wide = 2 if page.bits % 8 else page.bits // 8
    step = wide * page.together
    if page.is_float:
        return _floats(octets, channel * wide, step, wide, order, page.size)
    if wide == 1:
        return Image.frombytes("L", page.size, octets[channel::step])
    ranks = (wide - 2, wide - 1) if order == "<" else (1, 0)
    pairs = bytearray(2 * page.size[0] * page.size[1])
    for place, rank in enumerate(ranks):
        pairs[place::2] = octets[channel * wide + rank :: step]
    found = Image.frombytes("I;16", page.size, bytes(pairs)).convert("I")
    if page.bits % 8 == 0:
        return found
    scale = 65_535 / (65_536 - (1 << (16 - page.bits)))
    return found.point(lambda value: value * scale + 0.5)


def _floats(
    octets: bytes, start: int, step: int, wide: int, order: str, size: tuple[int, int]
) -> Image.Image:
    own = bytearray(wide * size[0] * size[1])
    for rank in range(wide):
        own[rank::wide] = octets[start + rank :: step]
    if wide == 2:
        line = 2 * size[0]
        rows = (own[at : at + line] for at in range(0, len(own), line))
        own = bytearray().join(
            struct.pack(f"={size[0]}f", *struct.unpack(f"{order}{size[0]}e", row)) for row in rows
        )
        return Image.frombytes("F", size, bytes(own))
    raw = f"F;{8 * wide}{'B' if order == '>' else ''}F"
    return Image.frombytes("F", size, bytes(own), "raw", raw)


def _divided(band: Image.Image, alpha: Image.Image, most: float | None) -> Image.Image:
    """Divide a premultiplied colour by its alpha, in the same range. In floating point, the limit is `most`."""
    top = 1 if band.mode == "F" else 255 if band.mode == "L" else 65_535
    divided: Image.Image = ImageMath.lambda_eval(
        lambda it: it["convert"](
            it["min"](
                it["float"](it["color"]) * top / it["max"](it["float"](it["alpha"]), 1e-6), most or top
            ),
            "F",
        ),
        color=band,
        alpha=alpha,
    )
    return divided if band.mode == "F" else divided.point(lambda value: value * 1.0 + 0.5).convert(band.mode)


def _halves(mode: str, bands: Sequence[Image.Image], white: float, is_inverted: bool = False) -> Image.Image:
    """Merge the channels into one 8-bit image with its low bytes in `info`."""
    if bands[0].mode == "L":
        return _merged(mode, bands, is_inverted)
    pairs = [halves(floats.integers(band, white) if band.mode == "F" else band) for band in bands]
    made = _merged(mode, [high for high, _ in pairs], is_inverted)
    made.info[LOW] = _merged(mode, [low for _, low in pairs], is_inverted)
    return made


def _merged(mode: str, bands: Sequence[Image.Image], is_inverted: bool) -> Image.Image:
    merged = Image.merge(mode, bands) if len(bands) > 1 else bands[0]
    return ImageChops.invert(merged) if is_inverted else merged
