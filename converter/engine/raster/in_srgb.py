"""Convert all frames or pages of a file to sRGB, with as many bits as can be kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

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
        halves = frame.low and deep_color.to_srgb(frame.image, frame.low, picture.space, log)
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
