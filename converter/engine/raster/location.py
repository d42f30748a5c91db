"""Find and remove the location of a picture in all metadata and texts.

The property names come from Exif, IPTC Core and Extension, the W3C's geo vocabulary, drones and phones.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any
from xml.parsers import expat

from PIL import ExifTags, Image

_Base = ExifTags.Base
_IFD = ExifTags.IFD

# The name, without prefix, of a property that holds a location.
_NAME = (
    r"(?:[\w.-]{0,30}(?:GPS|Gps|(?<![A-Za-z])gps)[\w.-]{0,40}"
    r"|(?i:[\w.-]{0,30}(?:latitude|longt?itude)[\w.-]{0,20}|absolute-?altitude|geo-?(?:tag|location|hash)\w{0,20}"
    r"|(?:primary)?(?:city|state|province|countr(?:y|ies))(?:[-_ ]?(?:codes?|state|name|s|primarylocation\w{0,5}))?"
    r"|(?:content|shot|sub-?)?-?location(?:s|code|created|shown|name|id|s?shown\w{0,20}|created\w{0,20})?"
    r"|world-?region|place-?name|county|municipality|coordinates?))"
)
_PLACE = re.compile(rf"(?:.{{0,80}}[:.])?{_NAME}", re.DOTALL)
_SEPARATORS = re.compile(r"[\s/_-]+")
_GEO = re.compile(r"(?:geo|wgs84\w{0,8}):(?:lat|long|alt|lat-long)|dc:coverage")

# Coordinates in running text. Every repetition is bounded, since unbounded backtracking would hang.
_DEGREE = rb"(?:\xc2?[\xb0\xba]|\s?deg\b)"
_MINUTE = rb"(?:'|\xe2\x80[\xb2\x99]|\xc2?\xb4|&apos;)"
_SECOND = rb"(?:\"|''|\xe2\x80[\xb3\x9d]|&quot;)"
_DMS = (
    rb"\d{1,3}(?:\.\d{1,15})?" + _DEGREE + rb"(?:\s{0,2}\d{1,2}(?:\.\d{1,15})?\s?" + _MINUTE + rb")?"
    rb"(?:\s{0,2}\d{1,2}(?:\.\d{1,15})?\s?" + _SECOND + rb")?"
)
_BETWEEN = rb"\s{0,2}[NS]?\s{0,2}[,;/ ]\s{0,2}[EWO]?\s{0,2}"
_END = rb"(?!\d|\.\d|\s?[,; ]\s?[-+]?\d)"


def _decimal(least_places: int) -> bytes:
    return rb"[-+]?\d{1,3}\.\d{%d,15}" % least_places


_WAYS = (
    rb"[NSEW]\s?" + _DMS + rb"(?!\w)",
    _DMS + rb"\s{0,2}(?i:[NSEWO]|north|south|east|west)(?!\w)",
    rb"\d{1,3},\d{1,2}(?:\.\d{1,15}|,\d{1,2})[NSEW](?!\w)",
    rb"\d{1,3}\.\d{3,15}\s?[NSEW](?!\w)",
    # ISO 6709
    rb"[-+]\d{2,6}(?:\.\d{1,15})?[-+]\d{3,7}(?:\.\d{1,15})?(?:[-+]\d{1,6}(?:\.\d{1,9})?)?(?:CRS\w{1,20})?/",
    # Two numbers with at least four decimals, or at least two after a word for a location.
    _decimal(4) + _BETWEEN + _decimal(4) + _END,
    rb"(?i:at|near|gps|geo|place|(?:lat|lon|coord|location|position)[a-z]{0,9})\W{1,4}"
    + _decimal(2)
    + _BETWEEN
    + _decimal(2)
    + _END,
    rb"(?i:(?:gps.?)?(?:latitude|longitude))\b\W{1,5}[-+]?\d{1,3}(?:\.\d{1,15})?(?!\d|\.\d)",
    rb"(?i:(?:gps.?)?(?:lat|lon|lng|long))\b\W{1,5}" + _decimal(2) + rb"(?!\d|\.\d)",
    rb"(?i:geo:)[-+]?\d{1,3}(?:\.\d{1,15})?,[-+]?\d{1,3}(?:\.\d{1,15})?",
    rb"(?i:https?://)[\w./-]{0,60}(?i:maps?|mapy|geohack|streetmap|what3words)[^\s<>\"']{0,400}",
)
_COORDINATES = re.compile(rb"(?<![\w.])(?:" + b"|".join(_WAYS) + rb")")
# A line such as "City: Berlin" or "exif:GPSLatitude=52/1".
_NAMED_LINE = re.compile(
    rb"(?m)^[ \t]{0,9}(?:[\w.-]{1,30}:)?" + _NAME.encode() + rb"[ \t]{0,9}[:=][^\r\n]{0,2000}"
)

_DOUBTFUL_XMP = re.compile(
    rb"GPS|[:>.]Location|[:>]City|[:>]Country|[:>]State|[:>]Province|[Ll]atitude", re.IGNORECASE
)
_ATTRIBUTE = re.compile(rb"\s+([^\s=/>]+)\s*=\s*(\"[^\"]*\"|'[^']*')")
_TAG_NAME = re.compile(rb"<[^\s/>]+")
_WRITTEN_BY_PEOPLE = (
    "dc:",
    "exif:UserComment",
    "photoshop:Headline",
    "photoshop:Instructions",
    "tiff:ImageDescription",
)

IPTC_NUMBERS = frozenset({26, 27, 90, 92, 95, 100, 101})
"""IPTC application record datasets: content location code and name, city, sub-location, state, country."""

_EXIF_TEXTS = (
    _Base.ImageDescription,
    _Base.UserComment,
    _Base.XPTitle,
    _Base.XPComment,
    _Base.XPKeywords,
    _Base.XPSubject,
)
# GeoTIFF tags that position the picture on a map.
_GEO_TIFF = (33922, 34264)


def is_place(name: str) -> bool:
    """Whether a property or text with this name holds a location; a prefix is ignored."""
    plain = _SEPARATORS.sub("-", name[:200].strip())
    return bool(_PLACE.fullmatch(plain) or _GEO.fullmatch(plain))


def without_coordinates(text: bytes) -> bytes:
    """Return free text without coordinates, map links and lines such as "City: …"; may be unchanged."""
    return _COORDINATES.sub(b"", _NAMED_LINE.sub(b"", text))


def in_text(text: bytes) -> bool:
    return without_coordinates(text) != text


def without_named(texts: Mapping[str, str]) -> dict[str, str]:
    """Drop texts whose name means a location, and remove coordinates from the others."""
    kept = {}
    for name, value in texts.items():
        if is_place(name):
            continue
        raw = value.encode("utf-8", "replace")
        cleaned = without_xmp_places(raw) if b"<rdf:RDF" in raw else without_coordinates(raw)
        if cleaned == raw:
            kept[name] = value
        elif cleaned and cleaned.strip():
            kept[name] = cleaned.decode("utf-8", "replace")
    return kept


def in_named(texts: Mapping[str, str]) -> bool:
    return without_named(texts) != dict(texts)


def in_exif(exif: Image.Exif) -> bool:
    return bool(
        exif.get_ifd(_IFD.GPSInfo)
        or any(tag in exif for tag in _GEO_TIFF)
        or any(
            _without_exif_text(tag, directory[tag]) != directory[tag]
            for directory in (exif, exif.get_ifd(_IFD.Exif))
            for tag in _EXIF_TEXTS
            if tag in directory
        )
    )


def without_exif_texts(directory: Mapping[int, Any]) -> dict[int, Any]:
    """Return the directory with coordinates removed from its free texts."""
    cleaned = {tag: _without_exif_text(tag, value) for tag, value in directory.items()}
    return {tag: value for tag, value in cleaned.items() if value is not None}


def _without_exif_text(tag: int, value: Any) -> Any:
    """Return the value of an EXIF tag without coordinates, or None if they cannot be removed separately."""
    if tag not in _EXIF_TEXTS or not isinstance(value, str | bytes):
        return value
    if isinstance(value, str):
        # Pillow decodes texts as Latin-1.
        code = "latin-1" if all(letter < "\u0100" for letter in value) else "utf-8"
        raw = value.encode(code, "replace")
        cleaned = without_coordinates(raw)
        return value if cleaned == raw else cleaned.decode(code, "replace")
    if b"\x00" in value[8:]:
        words = value[8:] if tag == _Base.UserComment else value
        wide = (words.decode(code, "replace").encode() for code in ("utf-16-le", "utf-16-be"))
        if any(in_text(text) for text in wide):
            return None
    return (
        value[:8] + without_coordinates(value[8:]) if tag == _Base.UserComment else without_coordinates(value)
    )


def iptc_datasets(iptc: bytes) -> Iterator[tuple[int, bytes, bytes]]:
    """Yield the number, header and value of each dataset; the number is 0 outside the application record."""
    at = 0
    while at + 5 <= len(iptc) and iptc[at] == 0x1C:
        size, start = int.from_bytes(iptc[at + 3 : at + 5], "big"), at + 5
        if size & 0x8000:
            start += size & 0x7FFF
            size = int.from_bytes(iptc[at + 5 : start], "big")
        end = min(start + size, len(iptc))
        yield (iptc[at + 2] if iptc[at + 1] == 2 else 0), iptc[at:start], iptc[start:end]
        at = end


def without_iptc_places(iptc: bytes) -> bytes:
    """Drop datasets about locations, and remove coordinates from the others."""
    kept = []
    for number, header, value in iptc_datasets(iptc):
        cleaned = without_coordinates(value)
        if number in IPTC_NUMBERS or (value and not cleaned.strip()):
            continue
        if cleaned != value:
            header = header[:3] + len(cleaned).to_bytes(2, "big") if len(cleaned) < 0x8000 else header[:0]
        kept.append(header + cleaned if header else b"")
    return b"".join(kept)


def in_iptc(iptc: bytes) -> bool:
    return without_iptc_places(iptc) != b"".join(header + value for _, header, value in iptc_datasets(iptc))


def in_xmp(xmp: bytes) -> bool:
    cleaned = without_xmp_places(xmp)
    return bool(_DOUBTFUL_XMP.search(xmp.replace(b"\x00", b""))) if cleaned is None else cleaned != xmp


def without_xmp_places(xmp: bytes) -> bytes | None:
    """Return the packet without locations, otherwise unchanged in every byte; None if it is unsafe to parse.

    A packet with a document type is refused: its entities could hide a location.
    """
    if not xmp:
        return xmp
    try:
        cuts = _Places(xmp).cuts
    except (expat.ExpatError, ValueError):
        return None
    if not cuts:
        return xmp
    kept, at = [], 0
    for start, end in sorted(cuts):
        if end > at:
            kept.append(xmp[at : max(at, start)])
            at = end
    cleaned = b"".join([*kept, xmp[at:]])
    try:
        return None if _Places(cleaned).cuts else cleaned
    except (expat.ExpatError, ValueError):
        return None


class _Places:
    """The byte ranges of an XMP packet that hold a location: elements, attributes, coordinates in texts."""

    def __init__(self, xmp: bytes) -> None:
        self.cuts: list[tuple[int, int]] = []
        self._xmp = xmp
        self._open: list[tuple[str, int, int | None]] = []
        self._parser = expat.ParserCreate("utf-8")
        self._parser.StartDoctypeDeclHandler = self._refuse
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.Parse(xmp.rstrip(b"\x00"), True)

    def _refuse(self, *_: object) -> None:
        raise ValueError("a document type in XMP")

    def _start(self, name: str, _: Mapping[str, str]) -> None:
        start = self._parser.CurrentByteIndex
        tag = _TAG_NAME.match(self._xmp, start)
        if tag is None:
            raise ValueError("a tag that is not where it was said to be")
        at = tag.end()
        while attribute := _ATTRIBUTE.match(self._xmp, at):
            written = attribute[1].decode()
            if is_place(written):
                self.cuts.append(attribute.span())
            elif written.startswith(_WRITTEN_BY_PEOPLE):
                self._cut_coordinates(attribute.start(2) + 1, attribute.end(2) - 1)
            at = attribute.end()
        end = self._xmp.index(b">", at) + 1
        self._open.append((name, start, end if self._xmp[end - 2 : end] == b"/>" else None))

    def _end(self, name: str) -> None:
        _, start, end = self._open.pop()
        if end is None:
            end = self._xmp.index(b">", self._parser.CurrentByteIndex) + 1
        if is_place(name):
            self.cuts.append((start, end))
        elif name.startswith(_WRITTEN_BY_PEOPLE):
            self._cut_coordinates(start, end)

    def _cut_coordinates(self, start: int, end: int) -> None:
        self.cuts += [found.span() for found in _COORDINATES.finditer(self._xmp, start, end)]
