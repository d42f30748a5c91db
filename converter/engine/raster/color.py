"""From whatever colours the source has to 8-bit sRGB, through its profile where it has one."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from io import BytesIO
from typing import TYPE_CHECKING

from PIL import Image

from converter.engine.report import Log

from .metadata import clean

if TYPE_CHECKING:
    from PIL import ImageCms

_SIXTEEN_TO_EIGHT = [value >> 8 for value in range(65_536)]


def eight_bit(image: Image.Image) -> Image.Image:
    """Return the picture in one of L, LA, RGB, RGBA or CMYK, eight bits a channel.

    Pillow's own conversions clip 16-bit grey to white and lose the transparent colour of grey and RGB.
    """
    transparent = image.info.get("transparency")
    match image.mode:
        case "L" | "RGB" | "LA" | "RGBA" | "CMYK" if transparent is None:
            return image
        case "L":
            return image.convert("LA")
        case "P" | "PA" | "RGB":
            return image.convert("RGBA" if image.has_transparency_data else "RGB")
        case "1":
            return image.convert("L")
        case "F":
            low, high = image.getextrema()
            top = high if isinstance(high, float) and high > 0 else 1.0
            scale = 255.0 if top <= 1 else 255.0 / top
            return image.point(lambda value: value * scale + 0).convert("L")
        case "I" | "I;16" | "I;16B" | "I;16L" | "I;16N":
            return _sixteen_bit_gray(image, transparent)
        case "LAB":
            return _from_lab(image)
        case "La":
            return image.convert("LA")
        case "RGBa":
            return image.convert("RGBA")
    return image.convert("RGB")


def _sixteen_bit_gray(image: Image.Image, transparent: object) -> Image.Image:
    wide = image.convert("I")
    gray = wide.point(_SIXTEEN_TO_EIGHT, "L")
    if not isinstance(transparent, int):
        return gray
    alpha = wide.point([0 if value == transparent else 255 for value in range(65_536)], "L")
    return Image.merge("LA", (gray, alpha))


def _from_lab(image: Image.Image) -> Image.Image:
    from PIL import ImageCms

    converted = ImageCms.profileToProfile(image, ImageCms.createProfile("LAB"), _srgb(), outputMode="RGB")
    assert converted is not None
    return converted


@dataclass(frozen=True)
class Profile:
    """A usable colour profile: what it calls itself, and which channels it speaks of (RGB, GRAY, CMYK …)."""

    name: str
    space: str
    handle: ImageCms.ImageCmsProfile

    @property
    def is_srgb(self) -> bool:
        return self.space == "RGB" and "srgb" in self.name.lower()

    def fits(self, image: Image.Image) -> bool:
        return self.space == _space(image)


def profile_of(icc: bytes | None) -> Profile | None:
    """Return the profile in these bytes, or None when there is none that can be used."""
    from PIL import ImageCms

    if not icc:
        return None
    try:
        handle = ImageCms.ImageCmsProfile(BytesIO(icc))
        name = clean(handle.profile.profile_description) or "unnamed profile"
        return Profile(name, handle.profile.xcolor_space.strip(), handle)
    except (OSError, ValueError, ImageCms.PyCMSError):
        # A damaged profile fails at its first byte or only where its texts are read.
        return None


def to_srgb(image: Image.Image, icc: bytes | None, log: Log) -> Image.Image:
    """Return the picture in sRGB: L, LA, RGB or RGBA. A profile that cannot be used is dropped, and logged."""
    converted = None
    if icc:
        converted = _through_profile(image, icc, log)
    if converted is not None:
        return converted
    if image.mode != "CMYK":
        return image
    log.warn("cmyk_without_profile")
    return image.convert("RGB")


def _through_profile(image: Image.Image, icc: bytes, log: Log) -> Image.Image | None:
    from PIL import ImageCms

    profile = profile_of(icc)
    if profile is None:
        log.warn("profile_unusable")
        return None
    if not profile.fits(image):
        # A grey picture with an RGB profile is common and harmless; anything else is a mistake in the file.
        if not (profile.space == "RGB" and _space(image) == "GRAY"):
            log.warn("profile_unusable")
        return None
    if profile.is_srgb:
        return image
    try:
        converted = _converted(image, profile.handle)
    except ImageCms.PyCMSError:
        log.warn("profile_unusable")
        return None
    log.note("color_converted", profile=profile.name)
    return converted


def _converted(image: Image.Image, profile: ImageCms.ImageCmsProfile) -> Image.Image:
    from PIL import ImageCms

    if image.mode == "LA":
        gray, alpha = image.split()
        return Image.merge("LA", (_converted(gray, profile), alpha))
    mode = "RGBA" if image.mode == "RGBA" else "RGB"
    converted = ImageCms.profileToProfile(image, profile, _srgb(), outputMode=mode)
    assert converted is not None
    converted.info = {}
    return converted.convert("L") if image.mode == "L" else converted


def _space(image: Image.Image) -> str:
    return {"L": "GRAY", "LA": "GRAY", "CMYK": "CMYK"}.get(image.mode, "RGB")


@cache
def _srgb() -> ImageCms.ImageCmsProfile:
    from PIL import ImageCms

    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))
