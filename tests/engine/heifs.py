"""Build HEIF files, AVIF and HEIC, from coded pictures as phones and editors do (ISO/IEC 23008-12)."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from io import BytesIO

import pillow_heif
from PIL import Image

from converter.engine.raster.codecs.boxes import box as find
from converter.engine.raster.codecs.heif import properties
from tests.engine import samples

_LOCATION = 12  # bytes per item in `iloc`


@dataclass(frozen=True)
class Item:
    """An item. `properties` are complete boxes; `refers` maps reference types to item numbers, from 1."""

    kind: bytes
    data: bytes
    properties: Sequence[bytes] = ()
    refers: Mapping[bytes, Sequence[int]] = field(default_factory=dict)
    hidden: bool = False


def box(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I4s", 8 + len(content), kind) + content


def full(kind: bytes, content: bytes, version: int = 0, flags: int = 0) -> bytes:
    return box(kind, struct.pack(">I", version << 24 | flags) + content)


def extents(width: int, height: int) -> bytes:
    """Return the property box for a picture's size."""
    return full(b"ispe", struct.pack(">II", width, height))


def coded(image: Image.Image, kind: bytes = b"hvc1") -> Item:
    """Return a picture encoded by x265 (`hvc1`) or aom (`av01`)."""
    if kind == b"av01":
        data = samples.saved(image, "AVIF", quality=95, subsampling="4:4:4")
    else:
        file = BytesIO()
        pillow_heif.from_pillow(image).save(file, quality=95, chroma="444")
        data = file.getvalue()
    told = [box(name, content) for name, content in properties(data)]
    place = find(data, b"mdat")
    assert place
    return Item(kind, data[slice(*place)], told)


def grid(rows: int, columns: int, size: tuple[int, int], tiles: Sequence[int]) -> Item:
    data = struct.pack(">BBBBHH", 0, 0, rows - 1, columns - 1, *size)
    return Item(b"grid", data, [extents(*size)], {b"dimg": tiles})


def overlay(
    size: tuple[int, int], places: Sequence[tuple[int, int]], parts: Sequence[int], fill: Sequence[int]
) -> Item:
    """Return an overlay of pictures on a background colour of four 16-bit channels."""
    data = struct.pack(">BB4HHH", 0, 0, *fill, *size) + b"".join(struct.pack(">hh", *at) for at in places)
    return Item(b"iovl", data, [extents(*size)], {b"dimg": parts})


def same(size: tuple[int, int], of: int, *properties: bytes) -> Item:
    """Return an item that shows another item with different properties (`iden`)."""
    return Item(b"iden", b"", [extents(*size), *properties], {b"dimg": [of]})


def uncompressed(image: Image.Image) -> Item:
    """Return uncompressed samples, interleaved by pixel (ISO/IEC 23001-17)."""
    kinds = {"L": (0,), "RGB": (4, 5, 6)}[image.mode]
    components = b"".join(struct.pack(">HBBB", at, 7, 0, 0) for at in range(len(kinds)))
    told = struct.pack(">4sI", bytes(4), len(kinds)) + components
    told += struct.pack(">BBBBBIIII", 0, 1, 0, 0, 0, 0, 0, 0, 0)
    names = box(b"cmpd", struct.pack(">I", len(kinds)) + b"".join(struct.pack(">H", kind) for kind in kinds))
    properties = [extents(*image.size), names, full(b"uncC", told)]
    return Item(b"unci", image.tobytes(), properties)


def made(items: Sequence[Item], main: int = 1, brands: Sequence[bytes] = (b"mif1", b"heic")) -> bytes:
    """Return the file; items are numbered from 1, and the first of `brands` is the major brand."""
    kinds: list[bytes] = []
    for item in items:
        kinds += [told for told in item.properties if told not in kinds]
    associations = b"".join(
        struct.pack(">HB", number, len(item.properties))
        + bytes(kinds.index(told) + 1 | 0x80 for told in item.properties)
        for number, item in enumerate(items, 1)
    )
    described = box(
        b"iprp",
        box(b"ipco", b"".join(kinds)) + full(b"ipma", struct.pack(">I", len(items)) + associations),
    )
    entries = b"".join(
        full(b"infe", struct.pack(">HH4sx", number, 0, item.kind), 2, int(item.hidden))
        for number, item in enumerate(items, 1)
    )
    references = b"".join(
        box(kind, struct.pack(f">HH{len(others)}H", number, len(others), *others))
        for number, item in enumerate(items, 1)
        for kind, others in item.refers.items()
    )
    head = [
        full(b"hdlr", struct.pack(">4x4s13x", b"pict")),
        full(b"pitm", struct.pack(">H", main)),
        full(b"iinf", struct.pack(">H", len(items)) + entries),
        described,
        full(b"iref", references) if references else b"",
    ]
    begin = box(b"ftyp", brands[0] + bytes(4) + b"".join(brands))
    stored = [item for item in items if item.data]
    room = len(begin) + 12 + sum(map(len, head)) + 16 + (6 + 8) * len(stored)
    places, at = b"", room + 8
    for number, item in enumerate(items, 1):
        if item.data:
            places += struct.pack(">HHHII", number, 0, 1, at, len(item.data))
            at += len(item.data)
    located = full(b"iloc", struct.pack(">BBH", 0x44, 0, len(stored)) + places)
    meta = full(b"meta", b"".join([*head, located]))
    assert len(begin) + len(meta) == room
    return begin + meta + box(b"mdat", b"".join(item.data for item in stored))
