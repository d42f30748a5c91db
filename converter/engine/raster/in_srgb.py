"""Convert all frames or pages of a file to sRGB, with as many bits as can be kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from converter.engine.recipe import Recipe
from converter.engine.report import Log

from . import color, deep_color
from .decode import Picture
from .steps import Frame


def in_srgb(pictures: Mapping[int, Picture], log: Log, depth: bool) -> dict[int, Frame]:
    """Return the frames by number; with `depth`, at 16 bits per channel where these exist and can be kept."""
    deep = _deep(pictures, log) if depth else {}
    return deep | _of_eight_bits({number: one for number, one in pictures.items() if number not in deep}, log)


def _deep(pictures: Mapping[int, Picture], log: Log) -> dict[int, Frame]:
    """Return the frames whose colours can be converted at 16 bits."""
    found = {}
    for number, picture in pictures.items():
        frame = picture.frame
        try:
            halves = frame.low and deep_color.to_srgb(frame.image, frame.low, picture.space, log)
        except MemoryError:
            halves = None  # eight bits need half the room
        if halves:
            found[number] = replace(frame, image=halves[0], low=halves[1])
    return found


def _of_eight_bits(pictures: Mapping[int, Picture], log: Log) -> dict[int, Frame]:
    shown = [picture.eased or picture for picture in pictures.values()]
    images = color.all_to_srgb([(picture.frame.image, picture.space) for picture in shown], log)
    # A converted image has only 8 bits.
    return {
        number: picture.frame
        if image is picture.frame.image
        else replace(picture.frame, image=image, low=None)
        for number, picture, image in zip(pictures, shown, images, strict=True)
    }


def kept_profile(pictures: Sequence[Picture], recipe: Recipe, log: Log) -> color.Profile | None:
    """Return the profile to keep; None if the pictures are to be converted to sRGB."""
    space = pictures[0].space
    image = pictures[0].frame.image
    profile = color.profile_of(space.icc) if recipe.color == "keep" and not space.hdr else None
    if profile is None or image.mode == "CMYK" or not profile.fits(image):
        return None
    if not recipe.target.icc:
        log.warn("profile_not_kept", format=recipe.target.label)
        return None
    is_shared = all(other.space == space and profile.fits(other.frame.image) for other in pictures)
    if not is_shared or (profile.space == "GRAY" and not recipe.target.gray):
        log.warn("profile_not_fitting")
        return None
    return profile
