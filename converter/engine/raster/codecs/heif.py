"""Read the properties of the primary image of a HEIF file, HEIC or AVIF (ISO/IEC 23008-12)."""

from __future__ import annotations

import struct
from fractions import Fraction
from math import floor
from typing import NamedTuple

from converter.engine.errors import UnsupportedVariant
from converter.engine.formats import Format

from .boxes import box, boxes
from .heif_items import main_item

# EXIF orientation by quarter turns to the left: not mirrored, then mirrored top to bottom or left to right.
_TURNS = ((1, 4, 2), (8, 5, 7), (3, 2, 4), (6, 7, 5))

_KNOWN = frozenset(
    b"a1lx a1op altt amve auxC av1C cclv clap clli cmex cmin cmpC cmpd colr cpat crtt disi hvcC icbr icef"
    b" imir irot iscl ispe itai j2kH jpgC lhvC lsel mdcv mdft mskC oinf pasp pixi prfr pymd rloc rref"
    b" sbpm snuc splz taic tols udes uncC vvcC".split()
)
"""The properties that libavif or libheif knows."""


class _Property(NamedTuple):
    kind: bytes
    content: bytes
    is_essential: bool


def orientation(data: bytes) -> int:
    """Return the EXIF orientation, 1 to 8."""
    quarters, mirror = 0, 0
    for kind, content in properties(data):
        if kind == b"irot" and content:
            quarters = content[0] & 3
        if kind == b"imir" and content:
            mirror = 1 + (content[0] & 1)
    return _TURNS[quarters][mirror]


def aperture(data: bytes, size: tuple[int, int]) -> tuple[int, int, int, int] | None:
    """Return the box of the clean aperture (`clap`), in pixels before rotation, or None for the whole image.

    The property stores the offset of its centre from the image centre (ISO/IEC 14496-12, 12.1.4).
    """
    for kind, content in properties(data):
        if kind == b"clap" and len(content) >= 32:
            numbers = struct.unpack_from(">IIIIiIiI", content)
            if not all(numbers[1::2]):
                return None
            parts = [Fraction(*pair) for pair in zip(numbers[::2], numbers[1::2], strict=True)]
            starts = [
                floor((whole - part) / 2 + moved)
                for whole, part, moved in zip(size, parts[:2], parts[2:], strict=True)
            ]
            ends = [start + floor(part) for start, part in zip(starts, parts[:2], strict=True)]
            inside = all(0 <= at < end <= whole for at, end, whole in zip(starts, ends, size, strict=True))
            return (starts[0], starts[1], ends[0], ends[1]) if inside else None
    return None


def bits_per_channel(data: bytes) -> int | None:
    """Return the bits per channel from the pixel information property (`pixi`), or None."""
    at = data.find(b"pixi", 0, 65_536)
    return data[at + 9] if 0 <= at < len(data) - 9 else None


def properties(data: bytes) -> list[tuple[bytes, bytes]]:
    """Return the type and content of each property of the primary image."""
    return [(told.kind, told.content) for told in _told(data)]


def refuse_unknown(data: bytes, format: Format) -> None:
    """Raise UnsupportedVariant if the primary image must not be shown without a property unknown here."""
    for told in _told(data):
        if told.is_essential and told.kind not in _KNOWN:
            name = told.kind.decode("ascii", "replace")
            raise UnsupportedVariant(kind="chunk", format=format.label, name=name)


def _told(data: bytes) -> list[_Property]:
    try:
        return _properties(data)
    except struct.error:
        return []


def _properties(data: bytes) -> list[_Property]:
    meta = box(data, b"meta")
    if meta is None:
        return []
    item, described = main_item(data), box(data, b"iprp", meta[0] + 4, meta[1])
    if item is None or described is None:
        return []
    container = box(data, b"ipco", *described)
    if container is None:
        return []
    known = [(kind, data[first:last]) for kind, first, last in boxes(data, *container)]
    wanted = [
        found
        for kind, first, _ in boxes(data, *described)
        if kind == b"ipma"
        for found in _associated(data, first, item)
    ]
    return [_Property(*known[at - 1], is_essential) for at, is_essential in wanted if 1 <= at <= len(known)]


def _associated(data: bytes, at: int, item: int) -> list[tuple[int, bool]]:
    """Return the properties that an `ipma` box associates with an item: their 1-based indices.

    Each with whether it is essential.
    """
    version, flags, count = struct.unpack_from(">B2xBI", data, at)
    at += 8
    name = ">H" if version == 0 else ">I"
    index, mask = (">H", 0x7FFF) if flags & 1 else (">B", 0x7F)
    for _ in range(count):
        found = struct.unpack_from(name, data, at)[0]
        at += struct.calcsize(name)
        many = struct.unpack_from(">B", data, at)[0]
        at += 1
        numbers = [
            struct.unpack_from(index, data, at + struct.calcsize(index) * entry)[0] for entry in range(many)
        ]
        at += struct.calcsize(index) * many
        if found == item:
            return [(number & mask, number > mask) for number in numbers]
    return []


def has_gain_map(data: bytes) -> bool:
    """Return whether the file has a gain map: a tone-mapped item (ISO 21496-1) or Apple's auxiliary image."""
    meta = data[slice(*(box(data, b"meta") or (0, 0)))]
    return b"tmap" in meta or b"aux:hdrgainmap" in meta
