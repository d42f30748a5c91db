"""Correct the colour tags in EXIF and XMP to match the finished picture."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from PIL import ExifTags

_SRGB, _UNCALIBRATED = 1, 65_535  # EXIF has no value for other colour spaces

_COLOR_SPACE = re.compile(rb"(exif:ColorSpace(?:=[\"']|>))\d{1,5}")
_PROFILE = re.compile(rb"(photoshop:ICCProfile(?:=[\"']|>))[^\"'<]{0,200}")


def in_exif(details: Mapping[int, Any], srgb: bool) -> dict[int, Any]:
    """Return the corrected Exif directory; `srgb` is whether the picture is in sRGB."""
    told = dict(details)
    if ExifTags.Base.ColorSpace in told:
        told[ExifTags.Base.ColorSpace] = _SRGB if srgb else _UNCALIBRATED
    if srgb:
        told.pop(ExifTags.Base.Gamma, None)
    return told


def in_xmp(xmp: bytes, srgb: bool) -> bytes:
    told = _COLOR_SPACE.sub(rb"\g<1>%d" % (_SRGB if srgb else _UNCALIBRATED), xmp)
    return _PROFILE.sub(rb"\g<1>sRGB IEC61966-2.1", told) if srgb else told
