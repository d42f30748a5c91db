"""Determine a file's colour space from its ICC profile, code points or EXIF."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PIL import ExifTags, Image

from . import profiles
from .cicp import CURVES, PRIMARIES, Cicp
from .profiles import SRGB_CURVE, Primaries


@dataclass(frozen=True)
class ColorSpace:
    """The colour space of a picture: sRGB if there is no profile.

    `hdr` is "PQ" or "HLG" for a BT.2100 curve; the profile then applies to the picture after tone mapping to
    sRGB's curve. `name` is the usual name of the colour space.
    """

    icc: bytes | None = None
    hdr: str | None = None
    name: str | None = None
    eased: bool = False
    """Whether decoding converted the pixels to sRGB's curve; the profile applies to them as they are."""


SRGB = ColorSpace()
PLAIN_CMYK = "CMYK"
"""The name of print colours without a profile."""

# Adobe RGB (1998), which DCF 2.0 calls the optional colour space.
_ADOBE_RGB: Primaries = ((0.64, 0.33), (0.21, 0.71), (0.15, 0.06), profiles.D65)
_ADOBE_GAMMA = 563 / 256
_OPTIONAL = "R03"
_INDEX = 1

# BT.709, BT.601 and BT.2020: browsers show AVIF and HEIC with these curves as if they had sRGB's.
_OF_VIDEO = (1, 6, 14, 15)


def icc_of(image: Image.Image) -> bytes | None:
    """Return the profile as read by Pillow."""
    return image.info.get("icc_profile") or None


def of_icc(icc: bytes | None, image: Image.Image) -> ColorSpace:
    """Return the profile's colour space, for HDR from its code points, as ICC curves cannot express HDR."""
    if not icc:
        return SRGB
    codes = profiles.cicp(icc)
    if codes:
        told = Cicp(codes[0], codes[1])
        if told.is_known and told.hdr:
            return of_cicp(told, image)
    return ColorSpace(icc)


def of_cicp(told: Cicp, image: Image.Image) -> ColorSpace:
    """Return the colour space of the code points (ITU-T H.273)."""
    if not told.is_known or told.is_srgb:
        return SRGB
    _, primaries = PRIMARIES[told.primaries]
    curve = SRGB_CURVE if told.hdr else CURVES[told.transfer]
    return ColorSpace(made(told.name, primaries, [curve] * 3, image).icc, told.hdr, told.name)


def made(name: str, primaries: Primaries, curves: Sequence[profiles.Curve], image: Image.Image) -> ColorSpace:
    """Return a colour space with these primaries and channel curves; sRGB if the primaries are invalid."""
    if image.mode in ("1", "L", "LA", "I", "I;16", "I;16B", "F"):
        return ColorSpace(profiles.gray(name, curves[0]))
    try:
        return ColorSpace(profiles.rgb(name, primaries, curves))
    except ValueError:
        return SRGB


def of_exif(icc: bytes | None, image: Image.Image) -> ColorSpace:
    """Return the colour space from the profile, else from EXIF."""
    if icc or image.mode != "RGB":
        return of_icc(icc, image)
    try:
        index = image.getexif().get_ifd(ExifTags.IFD.Interop).get(_INDEX)
    except Exception:
        # Pillow's EXIF parser may raise anything: treat a damaged block as empty.
        return SRGB
    if not isinstance(index, str) or not index.startswith(_OPTIONAL):
        return SRGB
    return made("Adobe RGB (1998)", _ADOBE_RGB, [(_ADOBE_GAMMA,)] * 3, image)


def of_nclx(primaries: int, transfer: int, image: Image.Image) -> ColorSpace:
    """Return the colour space of the code points in AVIF, HEIC or JPEG 2000."""
    return of_cicp(Cicp(primaries, 13 if transfer in _OF_VIDEO else transfer), image)
