"""Maker notes of several makers: never kept with wrong offsets, always named, and their places are gone."""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from io import BytesIO
from typing import Any

import pytest
from PIL import Image

from tests.engine import exiftool
from tests.engine.rendering import codes, render

Entry = tuple[int, int, bytes]
"""Tag, type and value; the size of all types used is one byte."""

_ASCII, _LONG, _UNDEFINED = 2, 4, 7
_MAKE, _EXIF, _NOTE = 0x010F, 0x8769, 0x927C
_HEADER = 8


def directory(entries: Sequence[Entry], at: int, order: str) -> bytes:
    """Return a directory that begins at this offset, with its values behind it."""
    values, table = b"", struct.pack(order + "H", len(entries))
    behind = at + 2 + 12 * len(entries) + 4
    for tag, kind, value in entries:
        count = 1 if kind == _LONG else len(value)
        held = value if len(value) <= 4 else struct.pack(order + "I", behind + len(values))
        values += value if len(value) > 4 else b""
        table += struct.pack(order + "HHI", tag, kind, count) + held.ljust(4, b"\0")
    return table + bytes(4) + values


def photo(make: str, note: Callable[[int], bytes], order: str) -> bytes:
    """Return a JPEG by this maker; `note` makes the maker note for its offset."""
    maker = (_MAKE, _ASCII, make.encode() + b"\0")
    inner = _HEADER + len(directory([maker, (_EXIF, _LONG, bytes(4))], _HEADER, order))
    first = directory([maker, (_EXIF, _LONG, struct.pack(order + "I", inner))], _HEADER, order)
    at = inner + 2 + 12 + 4
    block = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(order + "I", _HEADER) + first
    block += directory([(_NOTE, _UNDEFINED, note(at))], inner, order)
    file = BytesIO()
    Image.new("RGB", (64, 48), "teal").save(file, "JPEG", exif=b"Exif\0\0" + block)
    return file.getvalue()


def canon(at: int) -> bytes:
    return directory([(0x0009, _ASCII, b"Jane Roe\0\0")], at, "<")


def nikon(at: int) -> bytes:
    place = b"0100\0\0" + b"Brandenburg Gate\0\0"
    own = b"MM\0*\0\0\0\x08" + directory(
        [(0x001D, _ASCII, b"3001234\0"), (0x0039, _UNDEFINED, place)], 8, ">"
    )
    return b"Nikon\0\2\x10\0\0" + own


def panasonic(at: int) -> bytes:
    places = [
        (0x006D, _UNDEFINED, b"Berlin".ljust(64, b"\0")),
        (0x006F, _UNDEFINED, b"Gate".ljust(128, b"\0")),
    ]
    return b"Panasonic\0\0\0" + directory(places, at + 12, "<")


def apple(at: int) -> bytes:
    return b"Apple iOS\0\0\1MM" + directory([(0x0011, _ASCII, b"ABCDEF12-1234-1234\0")], 14, ">")


MAKERS: dict[str, tuple[bytes, bytes]] = {
    "Canon": (photo("Canon", canon, "<"), b"Jane Roe"),
    "Nikon": (photo("NIKON CORPORATION", nikon, ">"), b"Brandenburg Gate"),
    "Panasonic": (photo("Panasonic", panasonic, "<"), b"Berlin"),
    "Apple": (photo("Apple", apple, ">"), b"ABCDEF12"),
}


@pytest.mark.parametrize("maker", MAKERS)
@pytest.mark.parametrize("target", ["jpeg", "png", "webp", "tiff", "avif", "jxl", "jp2"])
@pytest.mark.parametrize("policy", ["keep", "strip_location", "strip"])
def test_a_maker_note_is_left_out_and_named(maker: str, target: str, policy: str) -> None:
    data, secret = MAKERS[maker]
    assert any(name.startswith(maker) for name in told(data))
    result = render(data, format=target, metadata=policy)
    assert secret not in result.data
    found = told(result.data)
    assert not any(name.startswith((maker, "ExifTool")) for name in found)
    assert ("maker_note_not_kept" in codes(result)) == (policy != "strip")
    assert ("IFD0:Make" in found) == (policy != "strip")


def told(data: bytes) -> dict[str, Any]:
    return {
        name: value
        for name, value in exiftool.read(data, "-G1", "-a", "-u", "-all").items()
        if name != "ExifTool:ExifToolVersion"
    }
