"""JPEG, AVIF and HEIC: the same file in several decoders, which may round and interpolate differently.

The tolerance is 3 levels of 255 without chroma subsampling, as the DCT and the YCbCr conversion may each
round twice. It is larger with subsampling, since no standard defines the upsampling: at an edge from black to
white, one decoder may interpolate and another repeat.
"""

from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO
from itertools import product

import pillow_heif
from PIL import Image

from .case import Case, picture, whole_numbers

ROUNDED, SPREAD = 3, 6

_MODES = {"L": 1, "RGB": 3, "RGBA": 4}
_SIZES = ((21, 18), (64, 48), (33, 1))


def jpegs() -> Iterator[Case]:
    for mode, size, progressive, (sampling, within), restart, quality in product(
        ("L", "RGB"),
        _SIZES,
        (False, True),
        (("4:4:4", ROUNDED), ("4:2:2", SPREAD), ("4:2:0", SPREAD)),
        (0, 2),
        (60, 95),
    ):
        if mode == "L" and sampling != "4:4:4":
            continue
        name = (
            f"jpeg-{mode}-{size[0]}x{size[1]}-{sampling}-q{quality}-r{restart}" + "-progressive" * progressive
        )
        options = {"subsampling": sampling, "restart_marker_blocks": restart, "progressive": progressive}
        data = _saved(_image(mode, size), "JPEG", quality=quality, **options)
        yield Case(name, data, ("chromium", "vips", "magick"), within)


def avifs() -> Iterator[Case]:
    for mode, size, (sampling, within), range_, quality in product(
        ("L", "RGB", "RGBA"),
        _SIZES,
        (("4:4:4", ROUNDED), ("4:2:0", SPREAD)),
        ("full", "limited"),
        (60, 95),
    ):
        if mode == "RGBA" and sampling != "4:4:4":
            continue  # no reference decoder supports it
        name = f"avif-{mode}-{size[0]}x{size[1]}-{sampling}-{range_}-q{quality}"
        data = _saved(
            _image(mode, size), "AVIF", quality=quality, subsampling=sampling, range=range_, speed=8
        )
        # libvips repeats chroma samples, Chromium and libavif interpolate.
        yield Case(name, data, ("chromium", "vips") if sampling == "4:4:4" else ("chromium",), within)


def heics() -> Iterator[Case]:
    for mode, size, (sampling, within), quality in product(
        ("L", "RGB", "RGBA"), ((64, 48), (65, 49)), (("444", ROUNDED), ("420", SPREAD)), (60, 95)
    ):
        file = BytesIO()
        pillow_heif.from_pillow(_image(mode, size)).save(file, quality=quality, chroma=sampling)
        name = f"heic-{mode}-{size[0]}x{size[1]}-{sampling}-q{quality}"
        yield Case(name, file.getvalue(), ("heif",), within)


def _image(mode: str, size: tuple[int, int]) -> Image.Image:
    values = whole_numbers(picture(_MODES[mode], *size), 8).astype("uint8")
    return Image.fromarray(values[..., 0] if mode == "L" else values, mode)


def _saved(image: Image.Image, format: str, **options: object) -> bytes:
    file = BytesIO()
    image.save(file, format, **options)
    return file.getvalue()
