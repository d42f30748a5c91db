"""Convert the source's colours to 8-bit sRGB, using its profile if it has one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from io import BytesIO
from typing import TYPE_CHECKING

from PIL import Image

from converter.engine.report import Log

from . import floats, profiles, tone
from .metadata import clean
from .signalling import PLAIN_CMYK, ColorSpace

if TYPE_CHECKING:
    from PIL import ImageCms

_SIXTEEN_TO_EIGHT = [value >> 8 for value in range(65_536)]


def eight_bit(image: Image.Image) -> Image.Image:
    """Return the picture in mode L, LA, RGB, RGBA or CMYK, with eight bits per channel.

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
            return floats.gray(image)
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
    """A usable ICC profile. `space` is its device colour space (RGB, GRAY, CMYK …)."""

    name: str
    space: str
    icc: bytes
    handle: ImageCms.ImageCmsProfile

    def fits(self, image: Image.Image) -> bool:
        return self.space == _space(image)

    def suits(self, image: Image.Image) -> bool:
        """Whether the profile can be applied to the image.

        Grey with an RGB profile is common and uses the profile's curve; any other mismatch is an error.
        """
        return self.fits(image) or (self.space == "RGB" and _space(image) == "GRAY")

    def changes(self, image: Image.Image) -> bool:
        """Whether converting the image to sRGB changes anything, judged by the profile's contents."""
        if _space(image) == "GRAY":
            return not profiles.has_srgb_curves(self.icc)
        return not profiles.is_srgb(self.icc)


def profile_of(icc: bytes | None) -> Profile | None:
    """Return the profile in these bytes, or None if it cannot be used."""
    from PIL import ImageCms

    if not icc:
        return None
    try:
        handle = ImageCms.ImageCmsProfile(BytesIO(icc))
        name = clean(handle.profile.profile_description) or "unnamed profile"
        return Profile(name, handle.profile.xcolor_space.strip(), icc, handle)
    except (OSError, ValueError, ImageCms.PyCMSError):
        # A damaged profile may fail when opened, or only when its texts are read.
        return None


def name_of(space: ColorSpace) -> str | None:
    """Return the usual name of the colour space; None for sRGB that is not stated in the file."""
    if space.name:
        return space.name
    profile = profile_of(space.icc)
    return profile.name if profile else None


def to_srgb(image: Image.Image, space: ColorSpace, log: Log, brightest: int | None = None) -> Image.Image:
    """Return the picture in sRGB, in mode L, LA, RGB or RGBA. An unusable profile is dropped and logged.

    `brightest` is the highest value of an HDR picture, or of all pictures in the same file.
    """
    if space.hdr and not space.eased:
        image = tone.mapped(image, space.hdr, tone.brightest(image) if brightest is None else brightest)
    if space.hdr or space.eased:
        note_converted(space, log)
    converted = None
    if space.icc:
        converted = _through_profile(image, space.icc, log)
    if converted is not None:
        return converted
    if image.mode != "CMYK":
        return image
    log.warn("cmyk_without_profile")
    return image.convert("RGB")


def note_converted(space: ColorSpace, log: Log) -> None:
    if space.name == PLAIN_CMYK:
        log.warn("cmyk_without_profile")
        return
    if space.hdr:
        log.warn("tone_mapped", transfer=space.hdr)
    log.note("color_converted", profile=name_of(space))


def all_to_srgb(pictures: Sequence[tuple[Image.Image, ColorSpace]], log: Log) -> list[Image.Image]:
    """Return the pictures of one file in sRGB; HDR pictures share one white level, so that animations do not
    flicker.
    """
    bright = [tone.brightest(image) for image, space in pictures if space.hdr and not space.eased]
    return [to_srgb(image, space, log, max(bright, default=None)) for image, space in pictures]


def _through_profile(image: Image.Image, icc: bytes, log: Log) -> Image.Image | None:
    from PIL import ImageCms

    profile = profile_of(icc)
    if profile is None or not profile.suits(image):
        log.warn("profile_unusable")
        return None
    if not profile.changes(image):
        return image
    try:
        converted = _converted(image, profile)
    except ImageCms.PyCMSError:
        log.warn("profile_unusable")
        return None
    log.note("color_converted", profile=profile.name)
    return converted


def _converted(image: Image.Image, profile: Profile) -> Image.Image:
    from PIL import ImageCms

    if _space(image) == "GRAY":
        return image.point(_gray_table(profile) + list(range(256)) * (image.mode == "LA"))
    mode = "RGBA" if image.mode == "RGBA" else "RGB"
    converted = ImageCms.profileToProfile(image, profile.handle, _srgb(), outputMode=mode)
    assert converted is not None
    converted.info = {}
    return converted


def _gray_table(profile: Profile) -> list[int]:
    """Return the new value of each grey. Converting the picture itself would be coarse in the shadows."""
    from PIL import ImageCms

    ramp = Image.frombytes("L", (256, 1), bytes(range(256)))
    converted = ImageCms.profileToProfile(
        ramp if profile.fits(ramp) else ramp.convert("RGB"),
        profile.handle,
        _srgb(),
        outputMode="RGB",
        flags=ImageCms.Flags.NOOPTIMIZE,
    )
    assert converted is not None
    return list(converted.convert("L").tobytes())


def _space(image: Image.Image) -> str:
    return {"L": "GRAY", "LA": "GRAY", "CMYK": "CMYK"}.get(image.mode, "RGB")


@cache
def _srgb() -> ImageCms.ImageCmsProfile:
    from PIL import ImageCms

    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))
