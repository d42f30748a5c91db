"""Read the items of an AVIF or HEIC file from which its primary image is made (ISO/IEC 23008-12)."""

from __future__ import annotations

import struct
from collections.abc import Collection

from converter.engine.errors import UnsupportedVariant
from converter.engine.formats import Format

from .boxes import box, boxes

HEVC, AV1 = frozenset({b"hvc1", b"hev1", b"lhv1"}), frozenset({b"av01"})

_COMPRESSIONS = {
    b"av01": "AV1",
    b"avc1": "H.264",
    b"evc1": "EVC",
    b"hev1": "HEVC",
    b"hvc1": "HEVC",
    b"j2k1": "JPEG 2000",
    b"jpeg": "JPEG",
    b"lhv1": "HEVC",
    b"vvc1": "VVC",
}
_UNCOMPRESSED = b"unci"
_ENCRYPTED = b""
"""Stands for the type of a protected item (ISO/IEC 14496-12, 8.11.5)."""
_MOST_PARTS = 1_000


def made_of(data: bytes) -> list[bytes]:
    """Return the types of the primary item and of all items it is derived from, or an empty list."""
    try:
        return _made_of(data)
    except struct.error:
        return []


def refuse_unread(data: bytes, format: Format, coded: Collection[bytes], derived: Collection[bytes]) -> None:
    """Raise UnsupportedVariant if the primary image has an item of a type not in `coded` or `derived`."""
    for kind in made_of(data):
        if kind in coded or kind in derived:
            continue
        if kind == _ENCRYPTED:
            raise UnsupportedVariant(kind="encrypted", format=format.label)
        if kind in _COMPRESSIONS:
            raise UnsupportedVariant(kind="compression", format=format.label, compression=_COMPRESSIONS[kind])
        if kind == _UNCOMPRESSED:
            raise UnsupportedVariant(kind="uncompressed", format=format.label)
        raise UnsupportedVariant(kind="derived", format=format.label)


def main_item(data: bytes) -> int | None:
    """Return the ID of the primary item, or None. Raises struct.error if the file is truncated there."""
    meta = _meta(data)
    main = box(data, b"pitm", *meta) if meta else None
    return None if main is None else _number(data, main[0], main[0] + 4)


def _meta(data: bytes) -> tuple[int, int] | None:
    found = box(data, b"meta")
    return (found[0] + 4, found[1]) if found else None


def _number(data: bytes, version_at: int, at: int) -> int:
    found: int = struct.unpack_from(">H" if data[version_at] == 0 else ">I", data, at)[0]
    return found


def _made_of(data: bytes) -> list[bytes]:
    meta, main = _meta(data), main_item(data)
    if meta is None or main is None:
        return []
    kinds, parts = _kinds(data, meta), _parts(data, meta)
    found, waiting, seen = [], [main], set[int]()
    while waiting and len(seen) < _MOST_PARTS:
        item = waiting.pop(0)
        if item in kinds and item not in seen:
            found.append(kinds[item])
            waiting += parts.get(item, ())
        seen.add(item)
    return found


def _kinds(data: bytes, meta: tuple[int, int]) -> dict[int, bytes]:
    """Return the item types by item ID (`iinf`)."""
    entries = box(data, b"iinf", *meta)
    if entries is None:
        return {}
    start = entries[0] + (6 if data[entries[0]] == 0 else 8)
    found = {}
    for name, at, _ in boxes(data, start, entries[1]):
        version = data[at]
        if name == b"infe" and version >= 2:
            item = struct.unpack_from(">H" if version == 2 else ">I", data, at + 4)[0]
            kind_at = at + (8 if version == 2 else 10)
            is_protected = any(data[kind_at - 2 : kind_at])
            found[item] = _ENCRYPTED if is_protected else data[kind_at : kind_at + 4]
    return found


def _parts(data: bytes, meta: tuple[int, int]) -> dict[int, tuple[int, ...]]:
    """Return the IDs of the items that each item is derived from (`dimg` in `iref`)."""
    references = box(data, b"iref", *meta)
    if references is None:
        return {}
    form = "H" if data[references[0]] == 0 else "I"
    size = struct.calcsize(form)
    found = {}
    for name, at, _ in boxes(data, references[0] + 4, references[1]):
        if name == b"dimg":
            item, count = struct.unpack_from(f">{form}H", data, at)
            found[item] = struct.unpack_from(f">{count}{form}", data, at + size + 2)
    return found
