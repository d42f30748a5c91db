"""Rewrite rare BMP variants (Microsoft's and IBM's bitmap headers) as ones that Pillow can read."""

from __future__ import annotations

import struct
from typing import NamedTuple

from PIL import Image, ImageChops

from converter.engine.errors import Corrupt, Truncated, UnsupportedVariant
from converter.engine.formats import FORMATS
from converter.engine.limits import Limits

_RGB, _RLE8, _RLE4, _BITFIELDS, _JPEG, _PNG, _ALPHA_BITFIELDS = range(7)
_HUFFMAN_OF_OS2, _RLE24_OF_OS2 = 3, 4
_WINDOWS = (40, 52, 56, 108, 124)
_FIRST_OS2, _LAST_OS2 = 12, 64
# OS/2's second header, which may end after any field, like Chromium's list of its sizes.
_OS2 = tuple(size for size in (*range(16, 65, 4), 42, 46) if size not in _WINDOWS)
_FILE_HEADER, _INFO_HEADER = 14, 40

# Variants that Pillow reads directly: bits, then the masks of red, green, blue and alpha.
_KNOWN = {
    (32, 0xFF0000, 0xFF00, 0xFF, 0),
    (32, 0xFF000000, 0xFF0000, 0xFF00, 0),
    (32, 0xFF000000, 0xFF00, 0xFF, 0),
    (32, 0xFF000000, 0xFF0000, 0xFF00, 0xFF),
    (32, 0xFF, 0xFF00, 0xFF0000, 0xFF000000),
    (32, 0xFF0000, 0xFF00, 0xFF, 0xFF000000),
    (32, 0xFF000000, 0xFF00, 0xFF, 0xFF0000),
    (32, 0, 0, 0, 0),
    (24, 0xFF0000, 0xFF00, 0xFF, 0),
    (16, 0xF800, 0x7E0, 0x1F, 0),
    (16, 0x7C00, 0x3E0, 0x1F, 0),
}


class _Header(NamedTuple):
    size: int
    width: int
    height: int
    """Negative if the rows are stored from top to bottom."""
    bits: int
    compression: int
    colors: int
    pixels_at: int
    density: tuple[int, int]
    """The horizontal and vertical pixels per metre."""


def guard(data: bytes, limits: Limits) -> None:
    """Raise TooManyPixels for images that are too large and UnsupportedVariant for unsupported variants.

    Raises Corrupt for images without pixels.
    """
    header = _header(data)
    if header is None:
        return
    if header.width <= 0 or header.height == 0:
        raise Corrupt
    limits.check_pixels(header.width, abs(header.height))
    label = FORMATS["bmp"].label
    if header.size in _OS2:
        names = {_HUFFMAN_OF_OS2: "Huffman"}
    else:
        names = {_JPEG: "JPEG", _PNG: "PNG"}
    if header.compression in names:
        raise UnsupportedVariant(kind="compression", format=label, compression=names[header.compression])
    if header.bits not in (1, 2, 4, 8, 16, 24, 32):
        raise UnsupportedVariant(kind="samples", format=label, bits=header.bits)
    if header.compression > _ALPHA_BITFIELDS:
        raise UnsupportedVariant(kind="unknown_compression", format=label)


def bits(data: bytes) -> int | None:
    """Return the bits of the deepest channel according to the bit fields, or None without bit fields."""
    header = _header(data)
    if header is None or not _has_masks(header):
        return None
    return max((mask.bit_count() for mask in _masks(data, header)), default=0) or None


def common_kind(data: bytes) -> bytes:
    """Return the BMP, rewritten if Pillow cannot read it. Raises Truncated."""
    header = _header(data)
    if header is None:
        return data
    try:
        return _rewritten(data, header)
    except (IndexError, struct.error) as exc:
        raise Truncated from exc


def channels_of_icon(bitmap: bytes, height: int) -> tuple[bytes, int] | None:
    """Return the BGRA pixels of an icon's bitmap with bit fields, and the offset where they end.

    Alpha is 0 if the bitmap has none. Returns None without bit fields. Raises Truncated.
    """
    start = struct.unpack_from("<I", bitmap)[0]
    if start == _INFO_HEADER:
        start += 4 * (4 if struct.unpack_from("<I", bitmap, 16)[0] == _ALPHA_BITFIELDS else 3)
    head = struct.pack("<2sI4xI", b"BM", 0, _FILE_HEADER + start)
    file = head + bitmap[:8] + struct.pack("<i", height) + bitmap[12:]
    header = _header(file)
    if header is None or header.width <= 0 or not _has_masks(header):
        return None
    masks = _masks(file, header)
    made = _of_channels(file, header, masks)
    pixels = bytearray(made[-4 * header.width * height :])
    if not masks[3]:
        pixels[3::4] = bytes(header.width * height)
    return bytes(pixels), start + -(-header.width * header.bits // 32) * 4 * height


def _rewritten(data: bytes, header: _Header) -> bytes:
    if _has_masks(header):
        masks = _masks(data, header)
        is_known = header.compression == _BITFIELDS and (header.bits, *masks) in _KNOWN
        if is_known or not any(masks):
            return data
        return _of_channels(data, header, masks)
    if header.compression in (_RLE8, _RLE4) or _has_runs_of_colors(header):
        return _of_runs(data, header)
    if header.bits == 2:
        return _of_two_bits(data, header)
    is_short = header.size in _OS2 and header.size != _LAST_OS2
    if is_short or header.colors > 1 << header.bits <= 256:
        return _with_palette(data, header, data[header.pixels_at :], header.bits)
    return data


def _header(data: bytes) -> _Header | None:
    """Return the parsed header, or None if its kind is unknown, which is left to Pillow."""
    try:
        pixels_at, size = struct.unpack_from("<II", data, 10)
        if size == _FIRST_OS2:
            width, height, _, depth = struct.unpack_from("<HHHH", data, 18)
            return _Header(size, width, height, depth, _RGB, 1 << min(depth, 8), pixels_at, (0, 0))
        if size not in (*_WINDOWS, *_OS2) or len(data) < _FILE_HEADER + size:
            return None
        told = data[_FILE_HEADER : _FILE_HEADER + size].ljust(_INFO_HEADER, b"\0")
        width, height, _, depth, compression, _, across, down, colors = struct.unpack_from(
            "<4xiiHHIIiiI", told
        )
    except struct.error:
        return None
    if not colors and depth <= 8:
        colors = 1 << depth
    return _Header(size, width, height, depth, compression, colors, pixels_at, (across, down))


def _has_runs_of_colors(header: _Header) -> bool:
    return (header.compression, header.bits) == (_RLE24_OF_OS2, 24) and header.size in _OS2


def _has_masks(header: _Header) -> bool:
    kinds = (_BITFIELDS, _ALPHA_BITFIELDS)
    return header.compression in kinds and header.bits in (16, 32) and header.size not in _OS2


def _masks(data: bytes, header: _Header) -> tuple[int, int, int, int]:
    """Return the masks of red, green, blue and alpha. The first three follow the shortest header."""
    red, green, blue = struct.unpack_from("<III", data, 54)
    has_alpha = header.size >= 56 or header.compression == _ALPHA_BITFIELDS
    return red, green, blue, struct.unpack_from("<I", data, 66)[0] if has_alpha else 0


def _of_channels(data: bytes, header: _Header, masks: tuple[int, int, int, int]) -> bytes:
    """Return a BMP with 8 bits per channel, extracted with the masks."""
    width, height = header.width, abs(header.height)
    size = header.bits // 8
    stride = -(-width * size // 4) * 4
    raw = data[header.pixels_at : header.pixels_at + stride * height]
    if len(raw) < stride * height:
        raise Truncated
    mode = "LA" if size == 2 else "RGBA"
    octets = Image.frombuffer(mode, (width, height), raw, "raw", mode, stride, 1).split()
    channels = [_channel(octets, mask) for mask in masks]
    if not masks[3]:
        channels[3] = Image.new("L", (width, height), 255)
    red, green, blue, alpha = channels
    pixels = Image.merge("RGBA", (blue, green, red, alpha)).tobytes()
    fields = struct.pack("<IIII", 0xFF0000, 0xFF00, 0xFF, 0xFF000000 if masks[3] else 0)
    info = struct.pack(
        "<IiiHHIIii", 108, width, header.height, 1, 32, _BITFIELDS, len(pixels), *header.density
    )
    info = (info + bytes(8) + fields).ljust(108, b"\x00")
    return _file(info, pixels)


def _channel(octets: tuple[Image.Image, ...], mask: int) -> Image.Image:
    """Return the highest 8 bits under the mask, scaled to the full range if there are fewer."""
    low, high = (mask & -mask).bit_length() - 1, mask.bit_length()
    if not mask:
        return Image.new("L", octets[0].size)
    low = max(low, high - 8)
    top = (1 << (high - low)) - 1
    first, shift = divmod(low, 8)
    found = octets[first].point([(value >> shift) & top for value in range(256)])
    if shift and first + 1 < len(octets):
        rest = octets[first + 1].point([(value << (8 - shift)) & top for value in range(256)])
        found = ImageChops.add(found, rest)
    return found.point([min(255, (value * 255 + top // 2) // top) for value in range(256)])


def _of_two_bits(data: bytes, header: _Header) -> bytes:
    width, height = header.width, abs(header.height)
    stride = -(-width * 2 // 32) * 4
    four = [bytes((value >> shift) & 3 for shift in (6, 4, 2, 0)) for value in range(256)]
    row_size = -(-width // 4) * 4
    rows = []
    for at in range(header.pixels_at, header.pixels_at + stride * height, stride):
        row = b"".join([four[value] for value in data[at : at + stride]])[:row_size]
        rows.append(row)
    return _with_palette(data, header, b"".join(rows), 8)


def _of_runs(data: bytes, header: _Header) -> bytes:
    """Return run-length data as an uncompressed BMP.

    Skipped pixels become black, as in Chromium, if the palette has room.
    """
    width, height = header.width, abs(header.height)
    octets = 3 if header.bits == 24 else 1
    stride = -(-width * octets // 4) * 4
    black = header.colors if octets == 1 and header.colors < 256 else 0
    rows = bytearray((black,)) * (stride * height)
    half = header.compression == _RLE4
    at, x, y = header.pixels_at, 0, 0
    while y < height:
        count, value = data[at], data[at + 1]
        at += 2
        if count:
            pixel = data[at - 1 : at - 1 + octets]
            run = bytes((value >> 4, value & 15)) * (-(-count // 2)) if half else pixel * count
            x, at = _put(rows, run[: count * octets], x, y, width * octets, stride), at + octets - 1
        elif value == 0:
            x, y = 0, y + 1
        elif value == 1:
            break
        elif value == 2:
            x, y, at = x + data[at] * octets, y + data[at + 1], at + 2
        else:
            size = -(-value // 2) if half else value * octets
            run = data[at : at + size]
            if len(run) < size:
                raise Truncated
            if half:
                run = b"".join([bytes((both >> 4, both & 15)) for both in run])[:value]
            x = _put(rows, run, x, y, width * octets, stride)
            at += size + size % 2
    return _with_palette(data, header, bytes(rows), 8 * octets)


def _put(rows: bytearray, run: bytes, x: int, y: int, width: int, stride: int) -> int:
    """Write a run up to the end of the row and return the x position after it, in bytes like the width."""
    room = max(0, width - x)
    rows[y * stride + x : y * stride + x + min(room, len(run))] = run[:room]
    return x + len(run)


def _with_palette(data: bytes, header: _Header, pixels: bytes, bits: int) -> bytes:
    """Return a BMP with the simplest header, the source's palette and these rows."""
    palette = b""
    if header.bits <= 8:
        start = _FILE_HEADER + header.size
        room = header.pixels_at - start
        # OS/2's first palettes have 3 bytes per colour.
        is_first = header.size == _FIRST_OS2 or (header.size in _OS2 and room == 3 * header.colors)
        entry = 3 if is_first else 4
        places = range(start, start + min(entry * min(header.colors, 256), max(room, entry)), entry)
        palette = b"".join([data[at : at + 3].ljust(4, b"\x00") for at in places])
        palette = palette.ljust(4 << bits, b"\x00")[: 4 << bits]
    info = struct.pack(
        "<IiiHHIIii", _INFO_HEADER, header.width, header.height, 1, bits, _RGB, len(pixels), *header.density
    )
    return _file(info + struct.pack("<II", len(palette) // 4, 0) + palette, pixels)


def _file(info: bytes, pixels: bytes) -> bytes:
    start = _FILE_HEADER + len(info)
    return struct.pack("<2sIHHI", b"BM", start + len(pixels), 0, 0, start) + info + pixels
