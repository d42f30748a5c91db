"""Metadata of a picture: camera, location, time, texts. Read for display, kept or removed on request.

All of it is untrusted, so it is cleaned and limited in length before use.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property
from typing import Any

from PIL import ExifTags, Image

from converter.engine.formats import Format
from converter.engine.report import Log

from . import color_tags, exif_blocks, iptc, location, source_type
from .attachments import without_attachments

_MAX_TEXT = 200
_MAX_BLOCK = 1_000_000

_Base = ExifTags.Base
_IFD = ExifTags.IFD
_GPS = ExifTags.GPS

# Tags that programs write into every file; removing them is not worth a note.
_TRIVIAL_TAGS = frozenset(
    {
        _Base.XResolution,
        _Base.YResolution,
        _Base.ResolutionUnit,
        _Base.ExifVersion,
        _Base.ComponentsConfiguration,
        _Base.FlashPixVersion,
        _Base.ColorSpace,
        _Base.ExifImageWidth,
        _Base.ExifImageHeight,
        _IFD.Interop,
    }
)

_XMP_ORIENTATION = re.compile(rb"(tiff:Orientation(?:=[\"']|>))\d")
_XMP_THUMBNAIL = re.compile(rb"<[\w.-]{1,40}:Thumbnails\b")


@dataclass(frozen=True)
class Metadata:
    """The metadata of one picture, as found in the file."""

    exif: Image.Exif = field(default_factory=Image.Exif)
    exif_unreadable: bool = False
    has_thumbnail: bool = False
    xmp: bytes = b""
    iptc: bytes = b""
    comment: bytes = b""
    text: Mapping[str, str] = field(default_factory=dict)
    source_type: str = ""
    """How the picture was made, as an IPTC vocabulary term; empty if unknown."""
    unread: Sequence[str] = ()
    """Kinds that exist but are too large or too damaged to be read."""

    @cached_property
    def has_location(self) -> bool:
        return bool(
            location.in_exif(self.exif)
            or location.in_xmp(self.xmp)
            or location.in_iptc(self.iptc)
            or location.in_text(self.comment)
            or location.in_named(self.text)
        )

    @property
    def has_maker_note(self) -> bool:
        return _Base.MakerNote in self.exif.get_ifd(_IFD.Exif)

    @property
    def has_exif(self) -> bool:
        return exif_blocks.describes(self.exif) or bool(self.exif.get_ifd(_IFD.GPSInfo))

    @property
    def has_telling_exif(self) -> bool:
        return bool(
            (exif_blocks.described(self.exif).keys() | self.exif.get_ifd(_IFD.Exif).keys()) - _TRIVIAL_TAGS
            or self.exif.get_ifd(_IFD.GPSInfo)
        )

    def kinds(self) -> list[str]:
        """Return the names of the kinds that exist."""
        there = {
            "exif": self.has_exif,
            "location": self.has_location,
            "thumbnail": self.has_thumbnail,
            "xmp": bool(self.xmp),
            "iptc": bool(self.iptc),
            "comment": bool(self.comment or self.text),
        }
        return [name for name, found in there.items() if found or name in self.unread]


def read(
    image: Image.Image,
    source: Format,
    xmp: bytes | None,
    manifest: bytes = b"",
    unread: Sequence[str] = (),
) -> Metadata:
    """Return the metadata of the opened image.

    `xmp` is None if part of it is missing, `manifest` is the C2PA manifest, and `unread` are the kinds of
    which parts were dropped before the image was opened. Damaged EXIF is flagged and left out.
    """
    read_exif = _exif(image)
    exif = Image.Exif() if read_exif is None else read_exif
    readable = xmp is not None and len(xmp) <= _MAX_BLOCK
    text = _texts(image) if source.texts else {}
    datasets = iptc.in_jpeg(image) or iptc.in_tiff(exif) or iptc.in_resources(_raw_profile(image))
    comment = image.info.get("comment")
    comment = comment[:_MAX_BLOCK] if isinstance(comment, bytes) else b""
    words = (f"{name}={value}".encode("utf-8", "replace") for name, value in text.items())
    return Metadata(
        exif=exif,
        exif_unreadable=read_exif is None,
        has_thumbnail=not source.pages
        and bool(exif.get_ifd(_IFD.IFD1)),  # in a TIFF, IFD1 is the second page
        xmp=xmp if xmp and readable else b"",
        iptc=datasets,
        comment=comment,
        text=text,
        source_type=source_type.found(
            [xmp or b"", datasets, *exif_blocks.texts(exif), comment, *words, manifest]
        ),
        unread=[*dict.fromkeys([*unread, *([] if readable else ["xmp"])])],
    )


def _exif(image: Image.Image) -> Image.Exif | None:
    """Return the EXIF block with all directories read, or None if it is damaged."""
    try:
        exif = Image.Image.getexif(image)  # PngImageFile.getexif would decode the picture first
        for ifd in (_IFD.Exif, _IFD.GPSInfo, _IFD.IFD1):
            exif.get_ifd(ifd)
    except Exception:
        # Pillow's EXIF parser may raise anything.
        return None
    return exif


def _texts(image: Image.Image) -> dict[str, str]:
    """Return the named texts of a PNG, except metadata blocks stored as text."""
    return {
        name: str(value)
        for name, value in image.info.items()
        if isinstance(name, str)
        and isinstance(value, str)
        and name != "XML:com.adobe.xmp"
        and not name.lower().startswith("raw profile")
    }


def describe(metadata: Metadata) -> dict[str, Any]:
    """Return the cleaned values for display: camera, lens, taken_at, location, software, copyright."""
    exif = metadata.exif
    details = exif.get_ifd(_IFD.Exif)
    make, model = clean(exif.get(_Base.Make)), clean(exif.get(_Base.Model))
    if make and model and not model.lower().startswith(make.lower().split()[0]):
        model = f"{make} {model}"
    return {
        "camera": model or make,
        "lens": clean(details.get(_Base.LensModel)),
        "taken_at": _moment(details.get(_Base.DateTimeOriginal) or exif.get(_Base.DateTime)),
        "has_location": metadata.has_location,
        "location": _coordinates(exif.get_ifd(_IFD.GPSInfo)),
        "software": clean(exif.get(_Base.Software)),
        "copyright": clean(exif.get(_Base.Copyright)),
    }


def keep(
    metadata: Metadata, policy: str, target: Format, size: tuple[int, int], log: Log, *, srgb: bool
) -> dict[str, Any]:
    """Return the encoder arguments for the metadata that the policy allows, and log what is left out.

    `policy` is "strip", "strip_location" or "keep"; `size` is the finished picture's, and `srgb` whether it
    is in sRGB.
    """
    found = metadata.kinds()
    if metadata.exif_unreadable:
        log.warn("exif_unreadable")
    told, entangled = metadata, set[str]()
    if policy == "strip_location":
        told, entangled = _without_location(metadata)
    kept: dict[str, Any] = {}
    too_large = set[str]()
    if policy != "strip":
        kept, too_large = _fitting(_kept(told, target, size, srgb, with_location=policy == "keep"), target)
    carried = {"exif": "exif", "xmp": "xmp", "iptc": "iptc", "comment": "comment", "text": "comment"}
    survivors = {carried[name] for name in kept}
    beside = {"location", "thumbnail", *too_large, *metadata.unread}
    lost = [kind for kind in told.kinds() if kind not in survivors | beside]
    if policy == "keep" and _located(metadata, kept):
        survivors.add("location")
    _note_removed(metadata, [kind for kind in found if kind not in survivors], policy, log)
    if survivors:
        log.note("metadata_kept")
    if policy != "strip" and lost:
        log.warn("metadata_not_kept", format=target.label, kinds=lost)
    if policy != "strip":
        _warn_of_parts(metadata, survivors, too_large, target, log)
    if entangled:
        log.warn("metadata_left_with_location", kinds=[kind for kind in found if kind in entangled])
    return _labelled(kept, metadata.source_type, target, log)


def _labelled(kept: dict[str, Any], term: str, target: Format, log: Log) -> dict[str, Any]:
    """Return the arguments with the digital source type added, whatever the policy."""
    if not term:
        return kept
    if not target.xmp:
        log.warn("source_type_not_kept", format=target.label, type=term)
        return kept
    log.note("source_type_kept", type=term)
    return {**kept, "xmp": source_type.labelled(kept.get("xmp", b""), term)}


def _note_removed(metadata: Metadata, removed: Sequence[str], policy: str, log: Log) -> None:
    log.metadata_removed = list(removed)
    if "location" in removed:
        log.note("location_removed")
    if "thumbnail" in removed and policy != "strip":
        log.note("thumbnail_removed")
    if policy == "strip" and (set(removed) - {"exif"} or metadata.has_telling_exif):
        log.note("metadata_removed")


def _warn_of_parts(
    metadata: Metadata, survivors: Collection[str], too_large: Collection[str], target: Format, log: Log
) -> None:
    """Warn about parts that are left out although the policy and format allow their kind."""
    if too_large:
        log.warn("metadata_too_large", format=target.label, kinds=sorted(too_large))
    if metadata.unread:
        log.warn("metadata_unread", kinds=list(metadata.unread))
    if "exif" not in survivors:
        return
    if metadata.has_maker_note:
        log.warn("maker_note_not_kept")
    if names := exif_blocks.unkept(metadata.exif, "location" in survivors):
        log.warn("exif_fields_not_kept", names=names)


def _fitting(kept: dict[str, Any], target: Format) -> tuple[dict[str, Any], set[str]]:
    """Return what fits in the format, and the kinds that are too large for it. XMP can be split."""
    most = target.most_metadata
    large = {
        name for name in ("exif", "iptc", "comment") if most is not None and len(kept.get(name, b"")) > most
    }
    return {name: value for name, value in kept.items() if name not in large}, large


def _without_location(metadata: Metadata) -> tuple[Metadata, set[str]]:
    """Return the metadata without the location, and the kinds removed as a whole to remove it."""
    xmp = location.without_xmp_places(metadata.xmp)
    cleaned = replace(
        metadata,
        exif=metadata.exif if exif_blocks.describes(metadata.exif) else Image.Exif(),
        xmp=xmp or b"",
        iptc=location.without_iptc_places(metadata.iptc),
        comment=location.without_coordinates(metadata.comment),
        text=location.without_named(metadata.text),
    )
    return cleaned, {"xmp"} if xmp is None else set()


def _located(metadata: Metadata, kept: Mapping[str, Any]) -> bool:
    """Whether the kept metadata holds a location."""
    return bool(
        ("exif" in kept and location.in_exif(metadata.exif))
        or location.in_xmp(kept.get("xmp", b""))
        or ("iptc" in kept and location.in_iptc(metadata.iptc))
        or location.in_text(kept.get("comment", b""))
        or location.in_named(kept.get("text", {}))
    )


def _kept(
    metadata: Metadata, target: Format, size: tuple[int, int], srgb: bool, with_location: bool
) -> dict[str, Any]:
    kept: dict[str, Any] = {}
    if target.exif and metadata.has_exif:
        exif = exif_blocks.rebuilt(metadata.exif, size, srgb, with_location)
        if exif:
            kept["exif"] = exif
    if target.xmp and metadata.xmp:
        xmp = without_attachments(_without_thumbnails(metadata.xmp))
        if xmp:
            kept["xmp"] = color_tags.in_xmp(_XMP_ORIENTATION.sub(rb"\g<1>1", xmp), srgb)
    if target.iptc and metadata.iptc:
        kept["iptc"] = metadata.iptc
    if target.comment and metadata.comment:
        kept["comment"] = metadata.comment
    if target.texts and metadata.text:
        kept["text"] = dict(metadata.text)
    return kept


def _without_thumbnails(xmp: bytes) -> bytes:
    """Return the packet without embedded thumbnails."""
    start = _XMP_THUMBNAIL.search(xmp)
    if start is None:
        return xmp
    last = xmp.rfind(b":Thumbnails>")
    if last < start.end():
        return b""
    return xmp[: start.start()] + xmp[last + len(b":Thumbnails>") :]


def _raw_profile(image: Image.Image) -> bytes:
    """Return the IPTC of a PNG, stored as hexadecimal text after a header of two words."""
    value = image.info.get("Raw profile type iptc")
    words = value.split(None, 2) if isinstance(value, str) else []
    try:
        return bytes.fromhex("".join(words[2:]))[:_MAX_BLOCK]
    except ValueError:
        return b""


def clean(value: object) -> str | None:
    """Return the value as one short line that is safe to show; None if nothing printable is left."""
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    if not isinstance(value, str):
        return None
    words = "".join(char if char.isprintable() else " " for char in value[: 4 * _MAX_TEXT]).split()
    return " ".join(words)[:_MAX_TEXT] or None


def _moment(value: object) -> str | None:
    """Return EXIF's date and time as ISO 8601, without a time zone."""
    try:
        return datetime.strptime(str(value).strip("\x00 "), "%Y:%m:%d %H:%M:%S").isoformat()
    except ValueError:
        return None


def _coordinates(gps: Mapping[int, Any]) -> tuple[float, float] | None:
    """Return latitude and longitude in degrees."""
    try:
        latitude = _degrees(gps[_GPS.GPSLatitude], gps.get(_GPS.GPSLatitudeRef) == "S")
        longitude = _degrees(gps[_GPS.GPSLongitude], gps.get(_GPS.GPSLongitudeRef) == "W")
    except (KeyError, TypeError, ValueError, ZeroDivisionError):
        return None
    if not (-90 <= latitude <= 90 and -180 <= longitude <= 180):
        return None
    return latitude, longitude


def _degrees(parts: Any, negative: bool) -> float:
    degrees, minutes, seconds = (float(part) for part in parts)
    value = degrees + minutes / 60 + seconds / 3600
    return round(-value if negative else value, 6)
