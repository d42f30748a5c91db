"""What a file is, judged by its first bytes and never by its name; and how large its header says it is."""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

from converter.engine.errors import Corrupt, EmptyFile, NotAnImage, Truncated, UnsupportedFormat
from converter.engine.formats import FORMATS, Format
from converter.engine.limits import Limits

from . import jp2, tiff

_HEIC_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1", b"msf1"}
_AVIF_BRANDS = {b"avif", b"avis"}

_SIGNATURES: tuple[tuple[bytes, str], ...] = (
    (b"\xff\xd8\xff", "jpeg"),
    (b"\x89PNG\r\n\x1a\n", "png"),
    (b"GIF87a", "gif"),
    (b"GIF89a", "gif"),
    (b"BM", "bmp"),
    (b"\x00\x00\x01\x00", "ico"),
    (b"\x00\x00\x00\x0cjP  \r\n\x87\n", "jp2"),
    (b"\xff\x4f\xff\x51", "jp2"),
    (b"II*\x00", "tiff"),
    (b"MM\x00*", "tiff"),
    (b"II+\x00", "tiff"),
    (b"MM\x00+", "tiff"),
)

_REFUSED: tuple[tuple[bytes, str], ...] = (
    (b"%PDF", "pdf"),
    (b"%!PS", "eps"),
    (b"\xc5\xd0\xd3\xc6", "eps"),
    (b"8BPS", "psd"),
    (b"FUJIFILMCCD-RAW", "raw"),
    (b"IIU\x00", "raw"),
    (b"IIRO", "raw"),
    (b"IIRS", "raw"),
    (b"MMOR", "raw"),
    (b"\xff\x0a", "jxl"),
    (b"\x00\x00\x00\x0cJXL ", "jxl"),
    (b"gimp xcf", "xcf"),
    (b"qoif", "qoi"),
    (b"DDS ", "dds"),
    (b"v/1\x01", "exr"),
    (b"\x00\x00\x02\x00", "cursor"),
    (b"\xd7\xcd\xc6\x9a", "metafile"),
    (b"PK\x03\x04", "zip"),
)


def sniff(data: bytes) -> Format:
    """Return the format these bytes are in.

    Raises EmptyFile, UnsupportedFormat, NotAnImage.
    """
    if not data:
        raise EmptyFile
    if data[4:8] == b"ftyp":
        return _sniff_boxes(data)
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return FORMATS["webp"]
    if data[:4] in (b"II*\x00", b"MM\x00*") and data[8:10] == b"CR":
        raise UnsupportedFormat(kind="raw")
    for signature, name in _SIGNATURES:
        if data.startswith(signature):
            return FORMATS[name]
    for signature, kind in _REFUSED:
        if data.startswith(signature):
            raise UnsupportedFormat(kind=kind)
    start = data[:2000].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if start.startswith(b"<svg") or (
        start.startswith((b"<?xml", b"<!doctype svg", b"<!--")) and b"<svg" in start
    ):
        raise UnsupportedFormat(kind="svg")
    raise NotAnImage


def _sniff_boxes(data: bytes) -> Format:
    """Tell the relatives of MP4 apart by their brands."""
    size = int.from_bytes(data[:4], "big")
    major = data[8:12]
    brands = {data[at : at + 4] for at in range(16, min(size, 256, len(data)), 4)} | {major}
    if brands & _AVIF_BRANDS:
        return FORMATS["avif"]
    if major in _HEIC_BRANDS:
        return FORMATS["heic"]
    if major == b"crx ":
        raise UnsupportedFormat(kind="raw")
    raise UnsupportedFormat(kind="video")


_JPEG_MARKER = re.compile(rb"\xff[^\x00\x01\xd0-\xd8\xff]")  # one that begins a segment, and the end
_MOST_SEGMENTS = 10_000
_MOST_SCANS = 500  # encoders make ten or so; the longest script that is of any use has a few hundred


def guard(data: bytes, source: Format, limits: Limits) -> None:
    """Refuse what the container already shows to be too much or cut short, before any decoder sees it."""
    check = _GUARDS.get(source.name)
    if check is not None:
        check(data, limits)


_GIF_LOOPS = (b"NETSCAPE2.0\x03\x01", b"ANIMEXTS1.0\x03\x01")


@dataclass(frozen=True)
class GifBlocks:
    """`plays` is how often the animation runs, 0 for ever; `delays` are milliseconds, one per frame."""

    frames: int
    plays: int
    delays: tuple[int, ...]


def gif_blocks(data: bytes, max_frames: int | None = None) -> GifBlocks:
    """Return what the blocks of a GIF say, decoding nothing; stop counting just above `max_frames`.

    Raises Truncated, Corrupt.
    """
    try:
        return _gif_blocks(data, max_frames)
    except (IndexError, struct.error) as exc:
        raise Truncated from exc


def _gif_blocks(data: bytes, max_frames: int | None) -> GifBlocks:
    at = 13 + _gif_palette(data[10])
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
            at = _gif_skip(data, at + 11 + _gif_palette(data[at + 9]))
        elif kind == 0x21:
            label = data[at + 1]
            if label == 0xF9:
                delay = 10 * struct.unpack_from("<H", data, at + 4)[0]
            if label == 0xFF and data[at + 3 : at + 16] in _GIF_LOOPS:
                repeats = struct.unpack_from("<H", data, at + 16)[0]
                plays = repeats + 1 if repeats else 0
            at = _gif_skip(data, at + 2)
        else:
            # Some writers leave stray bytes between blocks; decoders step over them.
            at += 1
    return GifBlocks(frames, plays, tuple(delays))


def _gif_palette(flags: int) -> int:
    return 3 * 2 ** ((flags & 7) + 1) if flags & 0x80 else 0


def _gif_skip(data: bytes, at: int) -> int:
    """Return where a chain of sub-blocks ends."""
    while data[at]:
        at += data[at] + 1
    return at + 1


def _guard_gif(data: bytes, limits: Limits) -> None:
    try:
        width, height = struct.unpack_from("<HH", data, 6)
    except struct.error as exc:
        raise Truncated from exc
    limits.check_pixels(width, height)
    frames = gif_blocks(data, limits.max_frames).frames
    limits.check_frames(frames)
    limits.check_total_pixels(width * height * frames)


def _guard_ico(data: bytes, limits: Limits) -> None:
    """Pillow decodes an icon while opening it, so its pictures are measured here."""
    try:
        count = struct.unpack_from("<H", data, 4)[0]
        if not count:
            raise Corrupt(kind="icon")
        for entry in range(count):
            size, offset = struct.unpack_from("<II", data, 6 + 16 * entry + 8)
            if offset + size > len(data):
                raise Truncated
            if data[offset : offset + 8] == b"\x89PNG\r\n\x1a\n":
                width, height = struct.unpack_from(">II", data, offset + 16)
            else:
                width, height = struct.unpack_from("<ii", data, offset + 4)
            limits.check_pixels(abs(width), abs(height))
    except struct.error as exc:
        raise Truncated from exc


_NO_PIXELS = bytes.fromhex("00000000 49444154 35af061e 00000000 49454e44 ae426082")  # IDAT, IEND
_WORDS = (b"tEXt", b"zTXt", b"iTXt", b"eXIf")


def _guard_jpeg(data: bytes, limits: Limits) -> None:
    """Each scan makes a decoder go over the whole picture; a small file may hold ten thousand.

    Counted up to the end of the first picture: what follows (a film, another picture) is nobody's scan.
    """
    at, scans = 2, 0
    for _ in range(_MOST_SEGMENTS):
        marker = _JPEG_MARKER.search(data, at)
        if marker is None or marker[0][1] == 0xD9:
            return
        at = marker.end()
        scans += marker[0][1] == 0xDA
        if scans > _MOST_SCANS:
            break
        at += int.from_bytes(data[at : at + 2], "big")
    raise Corrupt


def _guard_png(data: bytes, limits: Limits) -> None:
    """Pillow is content without the end of a PNG; we are not."""
    for kind, _ in _png_chunks(data):
        if kind == b"IEND":
            return
    raise Truncated


def without_pixels(data: bytes, source: Format) -> bytes:
    """Return a PNG whose words all come before its pixels, of which there are none; other formats as they are.

    Pillow decodes a whole PNG, and all frames of an animation, to see whether words follow the pixels.
    """
    if source.name != "png":
        return data
    kept, pixels_begun = [data[:8]], False
    for kind, start in _png_chunks(data):
        if kind == b"IEND":
            break
        pixels_begun = pixels_begun or kind == b"IDAT"
        end = start + int.from_bytes(data[start - 8 : start - 4], "big")
        if not pixels_begun or (kind in _WORDS and _is_whole(data, start, end)):
            kept.append(data[start - 8 : end + 4])
    return b"".join([*kept, _NO_PIXELS])


def _is_whole(data: bytes, start: int, end: int) -> bool:
    """Whether the chunk has the checksum that it claims; behind the pixels, the decoder would not mind."""
    return zlib.crc32(data[start - 4 : end]) == int.from_bytes(data[end : end + 4], "big")


def _png_chunks(data: bytes) -> Iterator[tuple[bytes, int]]:
    at = 8
    while at + 12 <= len(data):
        size = int.from_bytes(data[at : at + 4], "big")
        if at + 12 + size > len(data):
            return
        yield data[at + 4 : at + 8], at + 8
        at += 12 + size


def _guard_webp(data: bytes, limits: Limits) -> None:
    if int.from_bytes(data[4:8], "little") + 8 > len(data):
        raise Truncated


def _guard_boxes(data: bytes, limits: Limits) -> None:
    """The boxes of AVIF, HEIC and JP2 say how long they are."""
    for _ in _boxes(data):
        pass


def _boxes(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Yield the kind, start and end of each outermost box.

    Raises Truncated, Corrupt.
    """
    at = 0
    while at + 8 <= len(data):
        size = int.from_bytes(data[at : at + 4], "big")
        if size == 1:
            size = int.from_bytes(data[at + 8 : at + 16], "big")
        if size == 0:
            size = len(data) - at
        if size < 8:
            raise Corrupt
        if at + size > len(data):
            raise Truncated
        yield data[at + 4 : at + 8], at, at + size
        at += size


def _guard_heic(data: bytes, limits: Limits) -> None:
    """libheif's binding crashes on items whose names are not text, so they are looked at here."""
    for kind, start, end in _boxes(data):
        at = data.find(b"infe", start, end) if kind == b"meta" else -1
        while at >= 0:
            size = int.from_bytes(data[at - 4 : at], "big")
            names = data[at + (12 if data[at + 4] == 2 else 14) : min(at - 4 + size, end)]
            try:
                names.decode()
            except UnicodeDecodeError as exc:
                raise Corrupt from exc
            at = data.find(b"infe", at + 4, end)


def _guard_jp2(data: bytes, limits: Limits) -> None:
    """Some decoders fill a cut-off JPEG 2000 with grey; its end marker tells."""
    if data[4:8] == b"jP  ":
        _guard_boxes(data, limits)
    if b"\xff\xd9" not in data[-64:]:
        raise Truncated
    jp2.guard(data)


_GUARDS = {
    "gif": _guard_gif,
    "jpeg": _guard_jpeg,
    "ico": _guard_ico,
    "png": _guard_png,
    "webp": _guard_webp,
    "avif": _guard_boxes,
    "heic": _guard_heic,
    "jp2": _guard_jp2,
    "tiff": tiff.guard,
}


def bits_per_channel(data: bytes, source: Format) -> int | None:
    """Return the bits a channel had in the file, where the decoder does not tell; None when it does."""
    match source.name:
        case "png":
            return data[24]
        case "jp2":
            at = data.find(b"\xff\x51", 0, 4096)
            return (data[at + 40] & 0x7F) + 1 if 0 <= at < len(data) - 40 else None
        case "avif" | "heic":
            at = data.find(b"pixi", 0, 65_536)
            return data[at + 9] if 0 <= at < len(data) - 9 else None
    return None
