"""Rebuild the EXIF of a result to match its pixels."""

from __future__ import annotations

import math
from typing import Any

from PIL import ExifTags, Image, TiffImagePlugin

from . import color_tags, location

_Base = ExifTags.Base
_IFD = ExifTags.IFD

# Tags that describe the picture. Most others in the first directory describe how the source stored it.
_DESCRIPTIVE_TAGS = frozenset(
    {
        _Base.DocumentName,
        _Base.ImageDescription,
        _Base.Make,
        _Base.Model,
        _Base.XResolution,
        _Base.YResolution,
        _Base.ResolutionUnit,
        _Base.Software,
        _Base.DateTime,
        _Base.Artist,
        _Base.HostComputer,
        _Base.PageName,
        _Base.Copyright,
        _Base.Rating,
        _Base.RatingPercent,
        _Base.XPTitle,
        _Base.XPComment,
        _Base.XPAuthor,
        _Base.XPKeywords,
        _Base.XPSubject,
    }
)

# Tags about how the source stored its pixels (TIFF 6.0 and its supplements), and tags handled elsewhere.
_STORAGE = ((254, 268), (273, 281), (284, 297), (301, 301), (317, 347), (512, 532), (32995, 32998))
_ELSEWHERE = frozenset(
    {
        _Base.XMLPacket,
        _Base.IPTCNAA,
        _Base.ImageResources,
        _Base.InterColorProfile,
        _Base.ExifImageWidth,
        _Base.ExifImageHeight,
        _Base.ColorSpace,
        *_IFD,
    }
)
_MOST_NAMES = 20
_RESOLUTION = (_Base.XResolution, _Base.YResolution)
_UNITS = (1, 2, 3)  # of the resolution: none, inch, centimetre

# A maker note is undocumented, and offsets inside it break when it moves.
_UNKEPT_DETAILS = frozenset({_Base.MakerNote, _IFD.Interop})


def rebuilt(exif: Image.Exif, size: tuple[int, int], srgb: bool, with_location: bool) -> bytes:
    """Return new EXIF without orientation (the pixels are upright), thumbnail and maker note."""
    block = Image.Exif()
    words = {tag: value for tag, value in described(exif).items() if _is_writable(tag, value)}
    details = {tag: value for tag, value in _details(exif).items() if _is_writable(tag, value, _IFD.Exif)}
    if not with_location:
        words, details = location.without_exif_texts(words), location.without_exif_texts(details)
    for tag, value in words.items():
        block[tag] = as_written(value)
    for tag, side in zip((_Base.ExifImageWidth, _Base.ExifImageHeight), size, strict=True):
        if tag in details:
            details[tag] = side
    details = color_tags.in_exif(details, srgb)
    if details:
        block[_IFD.Exif] = {tag: as_written(value) for tag, value in details.items()}
    gps = _places(exif) if with_location else {}
    if gps:
        block[_IFD.GPSInfo] = gps
    return block.tobytes() if len(block) else b""


def unkept(exif: Image.Exif, with_location: bool) -> list[str]:
    """Return the names, or numbers, of the fields that are lost.

    In the first directory these are the fields that are not descriptive, except those about the source's
    storage; in all directories, fields of a wrong type.
    """
    tags = [tag for tag in exif if tag not in _DESCRIPTIVE_TAGS and not _is_of_storage(tag)]
    tags += [tag for tag, value in described(exif).items() if not _is_writable(tag, value)]
    tags += [tag for tag, value in _details(exif).items() if not _is_writable(tag, value, _IFD.Exif)]
    names = [ExifTags.TAGS.get(tag) or f"0x{tag:04x}" for tag in sorted(tags)]
    lost = exif.get_ifd(_IFD.GPSInfo).keys() - _places(exif).keys() if with_location else set()
    names += [ExifTags.GPSTAGS.get(tag) or f"0x{tag:04x}" for tag in sorted(lost)]
    return [*names[:_MOST_NAMES], *(["…"] if len(names) > _MOST_NAMES else [])]


def _details(exif: Image.Exif) -> dict[int, Any]:
    return {tag: value for tag, value in exif.get_ifd(_IFD.Exif).items() if tag not in _UNKEPT_DETAILS}


def _places(exif: Image.Exif) -> dict[int, Any]:
    gps = exif.get_ifd(_IFD.GPSInfo)
    return {tag: value for tag, value in gps.items() if _is_writable(tag, value, _IFD.GPSInfo)}


def _is_writable(tag: int, value: Any, group: int | None = None) -> bool:
    """Whether the value is valid for its field: Pillow reads wrong types, but cannot write them.

    libtiff does not write an invalid resolution or unit.
    """
    directory = TiffImagePlugin.ImageFileDirectory_v2(group=group)
    try:
        directory[tag] = as_written(value)
        directory.tobytes()
        if tag in _RESOLUTION:
            return math.isfinite(value) and 0 <= value < 1 << 32
        return tag != _Base.ResolutionUnit or value in _UNITS
    except Exception:
        # Pillow's EXIF writer may raise anything.
        return False


def _is_of_storage(tag: int) -> bool:
    return tag in _ELSEWHERE or any(first <= tag <= last for first, last in _STORAGE)


def describes(exif: Image.Exif) -> bool:
    """Whether the EXIF describes anything besides the location."""
    return any(tag != _Base.Orientation for tag in described(exif)) or bool(exif.get_ifd(_IFD.Exif))


def texts(exif: Image.Exif) -> list[bytes]:
    """Return the text values as bytes."""
    values = [*exif.values(), *exif.get_ifd(_IFD.Exif).values()]
    found = [value.encode("utf-8", "replace") if isinstance(value, str) else value for value in values]
    return [value for value in found if isinstance(value, bytes)]


def described(exif: Image.Exif) -> dict[int, Any]:
    return {tag: value for tag, value in exif.items() if tag in _DESCRIPTIVE_TAGS}


class Text(str):
    """An EXIF text that keeps its original bytes: Pillow reads Latin-1, but would write ASCII."""

    def encode(self, *_: Any) -> bytes:
        return super().encode("latin-1", "replace")


def as_written(value: Any) -> Any:
    """Return the value in a form that Pillow writes with the same bytes it read."""
    return Text(value) if isinstance(value, str) else value
