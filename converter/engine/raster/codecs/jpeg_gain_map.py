"""Read and write gain maps for HDR screens in JPEG (Android Ultra HDR 1.1; ISO 21496-1)."""

from __future__ import annotations

import re
import struct
from collections.abc import Sequence
from functools import cache
from io import BytesIO
from typing import NamedTuple

from PIL import Image

from .jpeg_segments import END_OF_IMAGE, before_pixels, segments

_ISO = b"urn:iso:std:iso:ts:21496:-1\x00"
_XMP, _ICC, _JFIF, _EXIF, _MPF = (
    b"http://ns.adobe.com/xap/1.0/\x00",
    b"ICC_PROFILE\x00",
    b"JFIF\x00",
    b"Exif\x00",
    b"MPF\x00",
)
_APP1, _APP2 = 0xE1, 0xE2
_MOST_SEGMENT = 65_533
_TOLD = b"hdrgm:Version"
_START = b"\xff\xd8\xff"
_QUALITY = 92  # below it, bright areas overshoot at their edges
_FLAGS, _USES_BASE_COLORS, _ONE_DENOMINATOR = 4, 0x40, 0x08
_DENOMINATOR = 1_000_000
_NUMBERS = ("HDRCapacityMin", "HDRCapacityMax", "GainMapMin", "GainMapMax", "Gamma", "OffsetSDR", "OffsetHDR")
"""The numbers of ISO 21496-1 for a single channel, in its order, by their names in XMP."""
_MOST_COST = 0.15
"""If the gain map and its XMP add more than this share to the image, ISO 21496-1 replaces the XMP."""

_PACKET = """<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">\
</rdf:RDF></x:xmpmeta>"""
_DIRECTORY = """<rdf:Description rdf:about="" xmlns:hdrgm="http://ns.adobe.com/hdr-gain-map/1.0/" \
xmlns:Container="http://ns.google.com/photos/1.0/container/" \
xmlns:Item="http://ns.google.com/photos/1.0/container/item/" hdrgm:Version="1.0"><Container:Directory><rdf:Seq>\
<rdf:li rdf:parseType="Resource"><Container:Item Item:Semantic="Primary" Item:Mime="image/jpeg"/></rdf:li>\
<rdf:li rdf:parseType="Resource"><Container:Item Item:Semantic="GainMap" Item:Mime="image/jpeg" Item:Length="{length}"/>\
</rdf:li></rdf:Seq></Container:Directory></rdf:Description>"""
_RANGE = """<rdf:Description rdf:about="" xmlns:hdrgm="http://ns.adobe.com/hdr-gain-map/1.0/"{values}/>"""
_END = b"</rdf:RDF>"
_ELEMENT = b"<hdrgm:"
_ATTRIBUTE = re.compile(r"""\bhdrgm:(\w+)\s*=\s*["']([^"'<>&]*)["']""")
_USUAL = {
    "GainMapMin": "0",
    "Gamma": "1",
    "OffsetSDR": "0.015625",
    "OffsetHDR": "0.015625",
    "HDRCapacityMin": "0",
    "BaseRenditionIsHDR": "False",
}
"""The default values (Ultra HDR Image Format 1.1)."""
_ITEM = re.compile(rb'<Container:Item\b[^>]*Item:Semantic="GainMap"[^>]*>')
_LENGTH = re.compile(rb'(Item:Length=")\d+(")')


class GainMap(NamedTuple):
    """The map in L or RGB, and the segments with the range and colour space of its values."""

    image: Image.Image
    told: bytes


def gain_map_of(data: bytes) -> GainMap | None:
    """Return the gain map of a JPEG, or None if there is none or if it is Apple's, which is undocumented."""
    at = next((segment.end for segment in segments(data) if segment.marker == END_OF_IMAGE), -1)
    while 0 <= at < len(data) and (at := data.find(_START, at)) >= 0:
        inner = data[at:]
        told = [
            inner[segment.start - 4 : segment.end]
            for segment in before_pixels(inner)
            if _explains(inner[segment.start : segment.end])
        ]
        if any(not part[4:].startswith(_ICC) for part in told):
            image = _decoded(inner)
            return GainMap(image, b"".join(map(_brief, _needed(told)))) if image else None
        at = next((at + segment.end for segment in segments(inner) if segment.marker == END_OF_IMAGE), -1)
    return None


def _explains(content: bytes) -> bool:
    return (
        (content.startswith(_ISO) and len(content) > len(_ISO) + 4)
        or (content.startswith(_XMP) and _TOLD in content)
        or content.startswith(_ICC)
    )


def _needed(told: Sequence[bytes]) -> list[bytes]:
    """Return the segments without a profile that has no effect.

    Usually, and always if only XMP describes the map, the HDR version has the primaries of the base image.
    """
    flags = next(
        (part[4 + len(_ISO) :][_FLAGS] for part in told if part[4:].startswith(_ISO)), _USES_BASE_COLORS
    )
    return [part for part in told if not (flags & _USES_BASE_COLORS and part[4:].startswith(_ICC))]


def _brief(part: bytes) -> bytes:
    """Return the segment, with XMP stripped of padding, unrelated properties and default values."""
    if not part[4:].startswith(_XMP) or _ELEMENT in part:
        return part
    told = dict(_ATTRIBUTE.findall(part.decode(errors="replace")))
    kept = "".join(f' hdrgm:{name}="{value}"' for name, value in told.items() if not _is_usual(name, value))
    packet = _PACKET.replace(_END.decode(), _RANGE.format(values=kept) + _END.decode())
    return _segment(_APP1, _XMP + packet.encode())


def _is_usual(name: str, value: str) -> bool:
    """Return whether the value equals the default."""
    usual = _USUAL.get(name)
    try:
        return usual == value or (usual is not None and float(usual) == float(value))
    except ValueError:
        return False


def _decoded(data: bytes) -> Image.Image | None:
    try:
        with Image.open(BytesIO(data), formats=["JPEG"]) as image:
            return image.convert("L" if image.mode == "L" else "RGB")
    except MemoryError:
        raise
    except Exception:
        # The base image is still intact, and the report says that the HDR version is lost.
        return None


def packed(gain_map: GainMap) -> bytes:
    """Return the gain map as a JPEG to append to the base image."""
    output = BytesIO()
    gain_map.image.save(output, "JPEG", qtables=_tables(), subsampling="4:2:0", optimize=True)
    plain = output.getvalue()
    head = plain[4 + int.from_bytes(plain[4:6], "big") :]  # without Pillow's JFIF header
    return plain[:2] + gain_map.told + head


@cache
def _tables() -> list[Sequence[int]]:
    """Return a single quantization table for luma and chroma, to save bytes in small images."""
    output = BytesIO()
    Image.new("L", (1, 1)).save(output, "JPEG", quality=_QUALITY)
    with Image.open(output) as image:
        return [image.quantization[0]]  # type: ignore[attr-defined]


def with_gain_map(data: bytes, gain_map: bytes) -> bytes:
    """Append a packed gain map and describe it in XMP and ISO 21496-1, like the map itself."""
    if _TOLD in gain_map:
        described = _with_directory(data, len(gain_map))
        is_costly = len(described) - len(data) + len(gain_map) > _MOST_COST * len(data)
        brief = _by_iso(gain_map) if is_costly and _TOLD not in data else None
        gain_map, data = (brief, data) if brief else (gain_map, described)
    told = _segment(_APP2, _ISO + bytes(4)) if _ISO in gain_map else b""
    at = _behind_head(data)
    index = len(_segment(_APP2, _MPF + _index(0, 0, 0)))
    size = len(data) + len(told) + index
    header = at + len(told) + 4 + len(_MPF)
    entry = _segment(_APP2, _MPF + _index(size, len(gain_map), size - header))
    return data[:at] + told + entry + data[at:] + gain_map


def _by_iso(gain_map: bytes) -> bytes | None:
    """Return the packed gain map without XMP, described by ISO 21496-1, or None if that is impossible."""
    for segment in before_pixels(gain_map):
        content = gain_map[segment.start : segment.end]
        if content.startswith(_XMP):
            told = b"" if _ISO in gain_map else _iso_of(content)
            return None if told is None else gain_map[: segment.start - 4] + told + gain_map[segment.end :]
    return None


def _iso_of(content: bytes) -> bytes | None:
    """Return the segment of ISO 21496-1 that says the same as this XMP about a map of an SDR image."""
    told = _USUAL | dict(_ATTRIBUTE.findall(content.decode(errors="replace")))
    if _ELEMENT in content or not _is_usual("BaseRenditionIsHDR", told["BaseRenditionIsHDR"]):
        return None
    try:
        numbers = [round(float(told[name]) * _DENOMINATOR) for name in _NUMBERS]
        flags = _USES_BASE_COLORS | _ONE_DENOMINATOR
        return _segment(_APP2, _ISO + struct.pack(">HHB3I2iI2i", 0, 0, flags, _DENOMINATOR, *numbers))
    except (KeyError, ValueError, OverflowError, struct.error):
        return None


def _behind_head(data: bytes) -> int:
    """Return the offset after the JFIF, EXIF and XMP segments, which come first."""
    at = 2
    for segment in before_pixels(data):
        if not data[segment.start :].startswith((_JFIF, _EXIF, _XMP)):
            break
        at = segment.end
    return at


def _segment(marker: int, content: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(content) + 2) + content


def _index(size: int, map_size: int, offset: int) -> bytes:
    """Return the MP index of the two images (CIPA DC-007).

    It contains their sizes in bytes and the offset of the second image from the index.
    """
    entries = struct.pack(">IIIHH", 0x030000, size, 0, 0, 0) + struct.pack(
        ">IIIHH", 0, map_size, offset, 0, 0
    )
    tags = struct.pack(">HHI4s", 0xB000, 7, 4, b"0100") + struct.pack(">HHII", 0xB001, 4, 1, 2)
    tags += struct.pack(">HHII", 0xB002, 7, len(entries), 8 + 2 + 36 + 4)
    return b"MM\0*" + struct.pack(">IH", 8, 3) + tags + bytes(4) + entries


def _with_directory(data: bytes, length: int) -> bytes:
    """Describe the gain map in the XMP, in the existing packet or a new one."""
    directory = _DIRECTORY.format(length=length).encode()
    for segment in before_pixels(data):
        content = data[segment.start : segment.end]
        if content.startswith(_XMP):
            item = _ITEM.search(content)
            if item:
                changed = _LENGTH.sub(rb"\g<1>%d\g<2>" % length, item.group())
                content = content[: item.start()] + changed + content[item.end() :]
            else:
                content = content.replace(_END, directory + _END, 1)
            if len(content) > _MOST_SEGMENT:
                return data
            return data[: segment.start - 4] + _segment(_APP1, content) + data[segment.end :]
    packet = _PACKET.encode().replace(_END, directory + _END)
    at = _behind_head(data)
    return data[:at] + _segment(_APP1, _XMP + packet) + data[at:]
