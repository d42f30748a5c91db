"""Which colours a file says its numbers are, in the order that its format gives to its ways of saying so."""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from PIL import ExifTags, Image
from PIL.TiffImagePlugin import TiffImageFile

from converter.engine.formats import Format

from . import profiles
from .boxes import box
from .cicp import CURVES, PRIMARIES, Cicp
from .heif import properties
from .profiles import SRGB_CURVE, SRGB_PRIMARIES, Primaries


@dataclass(frozen=True)
class ColorSpace:
    """What the numbers of a picture mean: sRGB, where there is no profile.

    `hdr` is "PQ" or "HLG" where the curve is that of BT.2100; the profile then holds for the picture after its tones
    are mapped to sRGB's curve, and `name` is what people call the colours.
    """

    icc: bytes | None = None
    hdr: str | None = None
    name: str | None = None
    eased: bool = False
    """Whether the pixels were given sRGB's curve while they were decoded; the profile holds for them as they are."""


SRGB = ColorSpace()

# As in DCF 2.0, which calls it the optional colour space: Adobe RGB (1998).
_ADOBE_RGB: Primaries = ((0.64, 0.33), (0.21, 0.71), (0.15, 0.06), profiles.D65)
_ADOBE_GAMMA = 563 / 256
_OPTIONAL = "R03"
_INDEX = 1

_SRGB_CODES = Cicp(1, 13)
# BT.709, BT.601 and BT.2020: for these, AVIF and HEIC are shown by browsers as if they had sRGB's curve.
_OF_VIDEO = (1, 6, 14, 15)

_FULL_RANGE_RGB = b"\x00\x01"  # others are for video, and no browser shows them so

# libpng's bounds: a gamma so near to that of screens is the screen's.
_SCREEN_GAMMA, _INSIGNIFICANT = 2.2, 0.05

_CALIBRATED, _EMBEDDED = b"\0\0\0\0", b"DEBM"
_V4, _V5 = 108, 124


def space_of(image: Image.Image, data: bytes, source: Format) -> ColorSpace:
    """Return the colour space of an image whose header was read; `data` is its file."""
    icc = image.info.get("icc_profile") or None
    read = _READERS.get(source.name)
    if read is None:
        return _of_icc(icc, image)
    return read(image, data, icc)


def _of_icc(icc: bytes | None, image: Image.Image) -> ColorSpace:
    """Return what the profile says; by its code points where they are HDR's, which no curve of a profile can tell."""
    if not icc:
        return SRGB
    codes = profiles.cicp(icc)
    if codes:
        told = Cicp(codes[0], codes[1])
        if told.is_known and told.hdr:
            return _of_cicp(told, image)
    return ColorSpace(icc)


def _of_cicp(told: Cicp, image: Image.Image) -> ColorSpace:
    if not told.is_known or told.is_srgb:
        return SRGB
    _, primaries = PRIMARIES[told.primaries]
    curve = SRGB_CURVE if told.hdr else CURVES[told.transfer]
    return ColorSpace(_made(told.name, primaries, [curve] * 3, image).icc, told.hdr, told.name)


def _made(
    name: str, primaries: Primaries, curves: Sequence[profiles.Curve], image: Image.Image
) -> ColorSpace:
    if image.mode in ("1", "L", "LA", "I", "I;16", "I;16B", "F"):
        return ColorSpace(profiles.gray(name, curves[0]))
    try:
        return ColorSpace(profiles.rgb(name, primaries, curves))
    except ValueError:
        return SRGB


def _tiff(image: Image.Image, data: bytes, icc: bytes | None) -> ColorSpace:
    """The page's own ICC, where Pillow remembers that of the page before; else EXIF, whose form TIFF is."""
    found = image.tag_v2.get(ExifTags.Base.InterColorProfile) if isinstance(image, TiffImageFile) else icc
    return _jpeg(image, data, found if isinstance(found, bytes) else None)


def _jpeg(image: Image.Image, data: bytes, icc: bytes | None) -> ColorSpace:
    """ICC, else EXIF."""
    if icc or image.mode != "RGB":
        return _of_icc(icc, image)
    try:
        index = image.getexif().get_ifd(ExifTags.IFD.Interop).get(_INDEX)
    except Exception:
        # Pillow's EXIF parser raises whatever its arithmetic runs into: a damaged block says nothing.
        return SRGB
    if not isinstance(index, str) or not index.startswith(_OPTIONAL):
        return SRGB
    return _made("Adobe RGB (1998)", _ADOBE_RGB, [(_ADOBE_GAMMA,)] * 3, image)


def _png(image: Image.Image, data: bytes, icc: bytes | None) -> ColorSpace:
    """cICP, iCCP, sRGB, then gAMA and cHRM (PNG, third edition, 4.3)."""
    said = _png_colors(data)
    codes = said.get(b"cICP", b"")
    if len(codes) == 4 and codes[2:] == _FULL_RANGE_RGB:
        told = Cicp(codes[0], codes[1])
        if told.is_known:
            return _of_cicp(told, image)
    if icc:
        return _of_icc(icc, image)
    if b"sRGB" in said or len(said.get(b"gAMA", b"")) != 4:
        return SRGB
    return _of_gamma(int.from_bytes(said[b"gAMA"], "big") / 100_000, _png_primaries(said), image)


def _of_gamma(encoding: float, primaries: Primaries | None, image: Image.Image) -> ColorSpace:
    """Return what gAMA and cHRM say; as in browsers, a gamma of about 1/2.2 alone is no more than sRGB's."""
    if not 0.01 <= encoding <= 10:
        return SRGB
    if primaries is None and abs(encoding * _SCREEN_GAMMA - 1) < _INSIGNIFICANT:
        return SRGB
    name = "linear light" if encoding == 1 else f"gamma {1 / encoding:.2f}".rstrip("0")
    return _made(name, primaries or SRGB_PRIMARIES, [(1 / encoding,)] * 3, image)


def _png_colors(data: bytes) -> dict[bytes, bytes]:
    """Return the chunks that tell colours; they come before the pixels."""
    found, at = {}, 8
    while at + 12 <= len(data):
        size, kind = struct.unpack_from(">I4s", data, at)
        if kind in (b"IDAT", b"IEND"):
            break
        if kind in (b"cICP", b"sRGB", b"gAMA", b"cHRM"):
            found[kind] = data[at + 8 : at + 8 + size]
        at += 12 + size
    return found


def _png_primaries(said: dict[bytes, bytes]) -> Primaries | None:
    try:
        values = [value / 100_000 for value in struct.unpack(">8I", said[b"cHRM"])]
    except (KeyError, struct.error):
        return None
    white, red, green, blue = zip(values[::2], values[1::2], strict=True)
    return red, green, blue, white


def _avif(image: Image.Image, data: bytes, icc: bytes | None) -> ColorSpace:
    """ICC, else nclx (MIAF, ISO/IEC 23000-22, 7.3.6.4); an animation may have it in its track alone."""
    if icc:
        return _of_icc(icc, image)
    for kind, content in properties(data):
        if kind == b"colr" and content[:4] == b"nclx":
            return _of_nclx(content, image)
    track = box(data, b"moov")
    at = data.find(b"colrnclx", *track) if track else -1
    return _of_nclx(data[at + 4 : at + 15], image) if at >= 0 else SRGB


def _of_nclx(content: bytes, image: Image.Image) -> ColorSpace:
    if len(content) < 8:
        return SRGB
    primaries, transfer = struct.unpack_from(">HH", content, 4)
    return _of_cicp(_of_picture(primaries, transfer), image)


def _of_picture(primaries: int, transfer: int) -> Cicp:
    return Cicp(primaries, 13 if transfer in _OF_VIDEO else transfer)


def _heic(image: Image.Image, data: bytes, icc: bytes | None) -> ColorSpace:
    """ICC, else nclx, which libheif also takes from the coded picture."""
    told = image.info.get("nclx_profile")
    if icc or not told:
        return _of_icc(icc, image)
    codes = (int(told["color_primaries"]), int(told["transfer_characteristics"]))
    return _of_cicp(_of_picture(*codes), image)


def _jp2(image: Image.Image, data: bytes, icc: bytes | None) -> ColorSpace:
    """The first `colr` box counts (ISO/IEC 15444-1, I.5.3.3): methods 2 and 3 hold a profile, 5 code points."""
    header = box(data, b"jp2h")
    said = box(data, b"colr", *header) if header else None
    content = data[slice(*said)] if said else b""
    if content[:1] in (b"\x02", b"\x03"):
        return _of_icc(content[3:], image)
    if content[:1] == b"\x05" and len(content) >= 7:
        return _of_cicp(_of_picture(*struct.unpack_from(">HH", content, 3)), image)
    return SRGB


def _bmp(image: Image.Image, data: bytes, icc: bytes | None) -> ColorSpace:
    """What a header of version 4 or 5 says: a profile, or primaries and a gamma for each."""
    try:
        size = struct.unpack_from("<I", data, 14)[0]
        kind = data[70:74] if size in (_V4, _V5) else b""
        if size == _V5 and kind == _EMBEDDED:
            start, length = struct.unpack_from("<II", data, 14 + 112)
            return _of_icc(data[14 + start : 14 + start + length], image)
        return _calibrated(data, image) if kind == _CALIBRATED else SRGB
    except struct.error:
        return SRGB


def _calibrated(data: bytes, image: Image.Image) -> ColorSpace:
    """Return what endpoints (CIE XYZ, 2.30 fixed) and gammas (16.16) say; most programs leave them empty."""
    numbers = [value / 2**30 for value in struct.unpack_from("<9i", data, 74)]
    gammas = [value / 2**16 for value in struct.unpack_from("<3I", data, 110)]
    if not all(0.1 <= gamma <= 10 for gamma in gammas):
        return SRGB
    points = []
    for x, y, z in (numbers[0:3], numbers[3:6], numbers[6:9]):
        if x + y + z <= 0:
            return SRGB
        points.append((x / (x + y + z), y / (x + y + z)))
    red, green, blue = points
    curves = [(gamma,) for gamma in gammas]
    return _made("calibrated RGB", (red, green, blue, profiles.D65), curves, image)


_Reader = Callable[[Image.Image, bytes, bytes | None], ColorSpace]
_READERS: dict[str, _Reader] = {
    "jpeg": _jpeg,
    "tiff": _tiff,
    "png": _png,
    "avif": _avif,
    "heic": _heic,
    "jp2": _jp2,
    "bmp": _bmp,
}
