"""Check by its directories whether a TIFF is supported, and rewrite what Pillow cannot read."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, NamedTuple, cast

from PIL import TiffImagePlugin

from converter.engine.errors import UnsupportedFormat, UnsupportedVariant
from converter.engine.formats import FORMATS

from . import tiff_samples
from .tiff_samples import Layout

_BITS, _COMPRESSION, _PHOTOMETRIC, _FILL_ORDER = 258, 259, 262, 266
_SAMPLES, _PLANAR, _EXTRA, _SAMPLE_FORMAT = 277, 284, 338, 339
_WIDTH, _LENGTH, _SUB_DIRECTORIES, _DNG_VERSION = 256, 257, 330, 50706
_NEW_SUBFILE, _REDUCED, _MASK_OF_ANOTHER = 254, 1, 4
_SUBFILE, _OLD_REDUCED = 255, 2
_PALETTE, _MASK, _SEPARATED, _SENSOR = 3, 4, 5, (32803, 34892)
_INK_SET, _INK_NAMES, _INKS, _NOT_CMYK = 332, 333, 334, 2
_IMAGE_DEPTH = 32997
"""The number of slices of a volume, as written by SGI and tifffile."""
_BYTE, _SHORT, _LONG = 1, 3, 4
_IPTC = 33723
_CMYK_NAMES = b"cyan\0magenta\0yellow\0black"
_ONE_CHANNEL = (0, 1, _PALETTE)
_UNSIGNED, _SIGNED, _FLOAT, _UNDEFINED = 1, 2, 3, 4
_OLD_JPEG, _JPEG, _SEPARATE = 6, 7, 2
_YCBCR, _SUBSAMPLING = 6, 530
_SAMPLINGS = ((1, 1), (1, 2), (2, 1), (2, 2), (4, 1), (4, 2), (4, 4))

_LAYOUT = (
    *(_NEW_SUBFILE, _SUBFILE, _WIDTH, _LENGTH, _BITS, _COMPRESSION, _PHOTOMETRIC, _FILL_ORDER),
    *(274, _SAMPLES, 278, _PLANAR, 296, 317, 322, 323, _EXTRA, _SAMPLE_FORMAT),
)
"""Tags with small numbers. Unnamed ones are orientation, rows per strip, unit, predictor and tile size."""
_NUMBERS = {1: "B", 2: "B", 3: "H", 4: "I", 6: "b", 8: "h", 9: "i", 16: "Q"}
_MOST_VALUES = 64
_MOST_PAGES = 10_000

_COMPRESSIONS = {
    32809: "ThunderScan",
    34661: "JBIG",
    34676: "SGI LogLuv",
    34677: "SGI LogLuv",
    33003: "JPEG 2000",
    33004: "JPEG 2000",
    33005: "JPEG 2000",
    34712: "JPEG 2000",
    34887: "LERC",
    34933: "PNG",
    34934: "JPEG XR",
    22610: "JPEG XR",
    50001: "WebP",
    50002: "JPEG XL",
    52546: "JPEG XL",
}
_COLORS = {
    5: "CMYK",
    6: "YCbCr",
    8: "Lab",
    9: "Lab",
    10: "Lab",
    32844: "LogLuv",
    32845: "LogLuv",
}


@cache
def _read_by_pillow() -> Mapping[Any, tuple[str, str]]:
    """Return Pillow's own table of layouts, and register all other layouts that can be read.

    Also enables libtiff, since Pillow's own decoder misreads separate 16-bit planes and subsampled colours.
    """
    TiffImagePlugin.READ_LIBTIFF = True
    known = TiffImagePlugin.OPEN_INFO
    for order in (b"II", b"MM"):
        wide = "I;16B" if order == b"MM" else "I;16"
        for photometric in (0, 1):
            known.setdefault((order, photometric, (1,), 1, (12,), ()), ("I;16", "I;12"))
            known.setdefault((order, photometric, (1,), 1, (16,), ()), (wide, wide))
            integers = "I;32B" if order == b"MM" else "I;32"
            known.setdefault((order, photometric, (1,), 1, (32,), ()), ("I", integers))
    own = dict(known)
    for layout, mode in tiff_samples.layouts().items():
        known.setdefault(cast(Any, layout), (mode, mode))
    return own


def is_put_together_here(image: TiffImagePlugin.TiffImageFile) -> bool:
    """Return whether `tiff_samples` reads the samples of the current page."""
    numbers = (_BITS, _COMPRESSION, _PHOTOMETRIC, _FILL_ORDER, _SAMPLES, _PLANAR, _EXTRA, _SAMPLE_FORMAT)
    found = {tag: image.tag_v2[tag] for tag in numbers if tag in image.tag_v2}
    tags = {tag: value if isinstance(value, tuple) else (value,) for tag, value in found.items()}
    return _is_put_together(image.tag_v2.prefix, tags)


def _is_put_together(order: bytes, tags: Mapping[int, tuple[int, ...]]) -> bool:
    separate = tags.get(_PLANAR, (1,))[0] == _SEPARATE
    compression = tags.get(_COMPRESSION, (1,))[0]
    return tiff_samples.is_read_here(_layout(order, tags), compression, separate, _read_by_pillow())


def refuse_unread(data: bytes, most_pages: int) -> None:
    """Raise UnsupportedVariant or UnsupportedFormat for a TIFF that would be decoded incorrectly.

    The decoder detects damage.
    """
    order, label = data[:2], FORMATS["tiff"].label
    pages, room = [], len(data)
    for page in _pages(data, most_pages):
        pages.append(page.tags)
        room -= page.next_at - page.at
        if room < 0:  # directories that overlap could have any number of entries
            raise UnsupportedVariant(kind="many_parts", format=label)
    for tags in [tags for tags in pages if not _is_secondary(tags)] or pages:
        if _DNG_VERSION in tags or _SUB_DIRECTORIES in tags and _first(tags, _NEW_SUBFILE) & _REDUCED:
            return
        if _first(tags, _PHOTOMETRIC) in _SENSOR:
            raise UnsupportedFormat(kind="raw")
        if _WIDTH not in tags or _LENGTH not in tags:
            return
        variant = _unread(order, tags)
        if variant:
            raise UnsupportedVariant(format=label, **variant)


def is_cut_off(data: bytes, most_pages: int) -> bool:
    """Return whether a directory lies beyond the end of the file. Some writers omit the zero after the last."""
    endian, big = "<" if data[:2] == b"II" else ">", data[2:4] in (b"+\x00", b"\x00+")
    pages = list(_pages(data, most_pages))
    link, form = (pages[-1].next_at, pages[-1].form) if pages else (8 if big else 4, endian + "IQ"[big])
    try:
        at = _following(data, link, form) if pages else struct.unpack_from(form, data, link)[0]
        entries = struct.unpack_from(endian + "HQ"[big], data, at)[0] if at else 0
    except struct.error:
        return True
    return bool(at + (2, 8)[big] + (12, 20)[big] * entries > len(data))


def without_secondary_pages(data: bytes) -> bytes:
    """Return the TIFF without masks and reduced copies in its chain of pages.

    Does not change files with subdirectories: camera RAW files are detected by the reduced copy in front.
    """
    pages = list(_pages(data, _MOST_PAGES))
    primary = [page for page in pages if not _is_secondary(page.tags)]
    if not primary or len(primary) == len(pages) or _SUB_DIRECTORIES in pages[0].tags:
        return data
    form = pages[0].form
    output = bytearray(data.ljust(pages[-1].next_at + struct.calcsize(form), b"\0"))
    places = [pages[0].named_at, *(page.next_at for page in primary)]
    for place, to in zip(places, [*(page.at for page in primary), 0], strict=True):
        struct.pack_into(form, output, place, to)
    return bytes(output)


def iptc_of(data: bytes) -> bytes:
    """Return the first page's IPTC if it has type LONG, as most encoders write it, or empty bytes.

    Pillow reads only its first number.
    """
    for page in _pages(data, 1):
        entry = page.entries.get(_IPTC)
        if entry is None:
            return b""
        kind, count, place = struct.unpack_from(f"{page.form[0]}HH{page.form[1]}{page.form[1]}", data, entry)[
            1:
        ]
        return data[place : place + 4 * count] if kind == _LONG and count > 2 else b""
    return b""


def with_short_numbers(data: bytes) -> bytes:
    """Return the TIFF with BYTE layout tags changed to SHORT.

    libtiff accepts both, but Pillow only SHORT and LONG, as in TIFF 6.0.
    """
    output = bytearray()
    for page in _pages(data, _MOST_PAGES):
        order, room = page.form[0], struct.calcsize(page.form)
        for tag in _LAYOUT:
            entry = page.entries.get(tag)
            is_byte = entry is not None and struct.unpack_from(order + "H", data, entry + 2)[0] == _BYTE
            if entry is None or not is_byte or tag not in page.tags:
                continue
            output = output or bytearray(data)
            values = struct.pack(f"{order}{len(page.tags[tag])}H", *page.tags[tag])
            if len(values) > room:
                output += bytes(len(output) % 2) + values
                values = struct.pack(page.form, len(output) - len(values))
            struct.pack_into(order + "H", output, entry + 2, _SHORT)
            output[entry + 4 + room : entry + 4 + 2 * room] = values.ljust(room, b"\0")
    return bytes(output) if output else data


def with_known_samples(data: bytes) -> bytes:
    """Return the TIFF with undefined sample formats set to unsigned (TIFF 6.0, page 80)."""
    pages = [page for page in _pages(data, _MOST_PAGES) if _UNDEFINED in page.tags.get(_SAMPLE_FORMAT, ())]
    output = bytearray(data) if pages else data
    for page in pages:
        formats = page.tags[_SAMPLE_FORMAT]
        known = [_UNSIGNED if format == _UNDEFINED else format for format in formats]
        struct.pack_into(f"{page.form[0]}{len(known)}H", output, page.places[_SAMPLE_FORMAT], *known)
    return bytes(output)


def _is_secondary(tags: Mapping[int, tuple[int, ...]]) -> bool:
    """Return whether the page is a reduced copy or mask of another (TIFF 6.0, page 36)."""
    kind = _first(tags, _NEW_SUBFILE) & (_REDUCED | _MASK_OF_ANOTHER)
    return bool(kind) or _first(tags, _SUBFILE) == _OLD_REDUCED or _first(tags, _PHOTOMETRIC) == _MASK


def _first(tags: Mapping[int, tuple[int, ...]], tag: int) -> int:
    return tags.get(tag, (0,))[0]


class _Page(NamedTuple):
    """A directory at `at`, with its small numbers in `tags`.

    `entries` and `places` are the offsets of its entries and values by tag. `named_at` and `next_at` are the
    offsets of the links to it and to the next directory.
    """

    at: int
    tags: Mapping[int, tuple[int, ...]]
    entries: Mapping[int, int]
    places: Mapping[int, int]
    named_at: int
    next_at: int
    form: str
    """The `struct` format of an offset in the file."""


def _pages(data: bytes, most: int) -> Iterator[_Page]:
    """Yield the directories of the pages until one is damaged."""
    endian = "<" if data[:2] == b"II" else ">"
    big = data[2:4] in (b"+\x00", b"\x00+")
    count_form, size, offset_form = ("Q", 20, "Q") if big else ("H", 12, "I")
    seen: set[int] = set()
    named_at = 8 if big else 4
    try:
        at = struct.unpack_from(endian + offset_form, data, named_at)[0]
        while at and at not in seen and len(seen) <= most:
            seen.add(at)
            entries = struct.unpack_from(endian + count_form, data, at)[0]
            start = at + struct.calcsize(count_form)
            end = start + size * entries
            following = _following(data, end, endian + offset_form)
            found = {entry: _entry(data, entry, endian, offset_form) for entry in range(start, end, size)}
            tags = {tag: values for tag, values, _ in found.values() if values}
            entries = {tag: entry for entry, (tag, _, _) in found.items()}
            places = {tag: place for tag, _, place in found.values()}
            yield _Page(at, tags, entries, places, named_at, end, endian + offset_form)
            at, named_at = following, end
    except struct.error:
        return


def _following(data: bytes, link: int, form: str) -> int:
    """Return the offset of the next directory, or 0 if the file ends where it should be. Raises struct.error."""
    ends = link <= len(data) < link + struct.calcsize(form)
    return 0 if ends else int(struct.unpack_from(form, data, link)[0])


def _entry(data: bytes, at: int, endian: str, offset_form: str) -> tuple[int, tuple[int, ...], int]:
    tag, kind, count = struct.unpack_from(endian + "HH" + offset_form, data, at)
    form = _NUMBERS.get(kind)
    if form is None or count > _MOST_VALUES:
        return tag, (), 0
    room = struct.calcsize(endian + offset_form)
    place = at + 4 + room
    if count * struct.calcsize(form) > room:
        place = struct.unpack_from(endian + offset_form, data, place)[0]
    return tag, struct.unpack_from(f"{endian}{count}{form}", data, place), place


def _layout(order: bytes, tags: Mapping[int, tuple[int, ...]]) -> Layout:
    """Return the layout as Pillow reads it: with repeated formats shortened, without unspecified planes."""
    compression = tags.get(_COMPRESSION, (1,))[0]
    photometric = 6 if compression == _OLD_JPEG else tags.get(_PHOTOMETRIC, (0,))[0]
    formats = tuple(
        _UNSIGNED if format == _UNDEFINED else format for format in tags.get(_SAMPLE_FORMAT, (1,))
    )
    if len(set(formats)) == 1:
        formats = formats[:1]
    samples = tags.get(_SAMPLES, (3 if compression == _OLD_JPEG else 1,))[0]
    bits, extra = tags.get(_BITS, (1,)), tiff_samples.extra_of(photometric, samples, tags.get(_EXTRA, ()))
    if tags.get(_PLANAR, (1,))[0] == _SEPARATE and extra and max(extra) == 0:
        bits, samples, extra = bits[: -len(extra)], samples - len(extra), ()
    bits = bits[:samples] if len(bits) > 1 or samples < 1 else bits * min(samples, _MOST_VALUES)
    return Layout(order, photometric, formats, tags.get(_FILL_ORDER, (1,))[0], bits, extra)


def _unread(order: bytes, tags: Mapping[int, tuple[int, ...]]) -> dict[str, Any] | None:
    """Return the parameters of the error if this page cannot be read, otherwise None."""
    compression = tags.get(_COMPRESSION, (1,))[0]
    if compression in _COMPRESSIONS:
        return {"kind": "compression", "compression": _COMPRESSIONS[compression]}
    if compression not in TiffImagePlugin.COMPRESSION_INFO:
        return {"kind": "unknown_compression"}
    if (slices := tags.get(_IMAGE_DEPTH, (1,))[0]) > 1:
        return {"kind": "volume", "slices": slices}
    layout = _layout(order, tags)
    if layout.photometric == _SEPARATED and (inks := _other_inks(tags)):
        return {"kind": "inks", "inks": inks}
    if _is_put_together(order, tags):
        return None
    if layout.photometric == _YCBCR and _is_oddly_sampled(compression, tags):
        return {"kind": "subsampled"}
    separate = tags.get(_PLANAR, (1,))[0] == _SEPARATE
    if layout.formats == (_SIGNED,) and max(layout.bits) < 32:
        return {"kind": "signed_samples", "bits": max(layout.bits)}
    if separate and layout.photometric in _ONE_CHANNEL and layout.extra:
        return {"kind": "separate_alpha"}
    if separate and len(layout.extra) > 1:
        return {"kind": "separate_channels", "channels": len(layout.bits)}
    if layout in _read_by_pillow():
        return None
    return _variant(layout)


def _is_oddly_sampled(compression: int, tags: Mapping[int, tuple[int, ...]]) -> bool:
    """Return whether YCbCr is sampled in another way than libtiff supports; a JPEG inside has its own."""
    return compression not in (_OLD_JPEG, _JPEG) and tags.get(_SUBSAMPLING, (2, 2)) not in _SAMPLINGS


def _other_inks(tags: Mapping[int, tuple[int, ...]]) -> int:
    """Return the number of inks if they are not CMYK (TIFF 6.0, section 16), otherwise 0."""
    inks = tags.get(_SAMPLES, (1,))[0] - len(tags.get(_EXTRA, ()))
    names = bytes(tags.get(_INK_NAMES, ())).rstrip(b"\0").lower()
    is_cmyk = inks == 4 and (tags.get(_INK_SET, (1,))[0] != _NOT_CMYK or names.startswith(_CMYK_NAMES))
    return 0 if is_cmyk else tags.get(_INKS, (max(1, inks),))[0]


def _variant(layout: Layout) -> dict[str, Any]:
    bits = max(layout.bits, default=0)
    if layout.fill_order != 1:
        return {"kind": "fill_order"}
    if len(set(layout.bits)) > 1:
        return {"kind": "mixed_depths"}
    if layout.photometric == _MASK:
        return {"kind": "mask"}
    if layout.formats == (_FLOAT,):
        return {"kind": "float_samples", "bits": bits}
    if layout.formats == (_SIGNED,):
        return {"kind": "signed_samples", "bits": bits}
    if layout.formats != (_UNSIGNED,):
        return {"kind": "sample_format"}
    if layout.photometric == _PALETTE:
        return {"kind": "palette"}
    if layout.photometric in _COLORS:
        kind = "colors_and_more" if layout.extra else "colors"
        return {"kind": kind, "bits": bits, "space": _COLORS[layout.photometric]}
    if len(layout.bits) == 1:
        return {"kind": "samples", "bits": bits}
    return {"kind": "channels", "channels": len(layout.bits), "bits": bits}
