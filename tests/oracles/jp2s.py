"""Lossless JPEG 2000 with every depth and number of channels."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

import imagecodecs
import numpy as np

from .case import Case, picture, whole_numbers

_COLORS = {1: "GRAY", 2: "GRAY", 3: "SRGB", 4: "SRGB"}


def cases() -> Iterator[Case]:
    for bits, channels, container, levels in product(
        (1, 2, 4, 7, 8, 9, 10, 12, 14, 15, 16), _COLORS, ("JP2", "J2K"), (1, 3)
    ):
        name = f"jp2-{container}-{bits}bits-{channels}channels-{levels}levels"
        yield Case(
            name, _made(bits, channels, container, levels), ("openjpeg", "magick"), 3 if bits > 8 else 1
        )


def _made(bits: int, channels: int, container: str, levels: int) -> bytes:
    samples = whole_numbers(picture(channels), bits).astype(np.uint8 if bits <= 8 else np.uint16)
    return bytes(
        imagecodecs.jpeg2k_encode(
            samples if channels > 1 else samples[..., 0],
            level=0,
            reversible=True,
            codecformat=container,
            colorspace=_COLORS[channels],
            bitspersample=bits,
            resolutions=levels,
            mct=channels >= 3,
        )
    )
