"""Random pictures through the encoders: another decoder must find the same picture in each file.

A file is wrong if it shows clearly less of the picture than the mean colours of its blocks would.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from io import BytesIO
from statistics import mean
from typing import Any

import imagecodecs
from PIL import Image, ImageChops, ImageDraw, ImageStat

from converter.engine import FORMATS, Recipe
from converter.engine.raster import convert
from converter.engine.report import Result

from . import samples

# The quality of JPEG 2000 is a signal-to-noise ratio, which may cost a smooth picture more.
ENCODERS = tuple(
    name for name in ("jpeg", "webp", "avif", "jxl", "png", "tiff", "gif", "bmp") if name in FORMATS
)
Attempt = Callable[[random.Random], str]
"""Something to try with chance; it returns the outcome."""

MODES = ("1", "L", "LA", "P", "RGB", "RGB", "RGBA", "CMYK")

_BLOCK = 16
"""The side of the blocks, that of a JPEG's blocks of colour at 4:2:0."""
_ROUNDING = 10.0  # mean error in levels of 255
_CLEARLY = 1.5
_COARSE = 60.0  # the same at quality 1, and less in proportion above


def encoded(format: str | None = None) -> Attempt:
    """Return the function that encodes a random picture in one format or any."""
    return lambda chance: encode(chance, format or chance.choice(ENCODERS))


def encode(chance: random.Random, format: str) -> str:
    """Encode a random picture, and return the format.

    Raises AssertionError if the file does not show the picture.
    """
    recipe = random_recipe(chance, format)
    image = picture(chance, has_soft_edges=recipe.format != "gif")
    try:
        check(image, file_of(chance, image, recipe.target.icc), recipe)
    except Exception as exc:
        exc.add_note(f"{image.mode} {image.size} {recipe}")
        raise
    return format


def check(image: Image.Image, data: bytes, recipe: Recipe) -> None:
    [result] = convert(data, recipe)
    assert isinstance(result, Result), result
    wanted, found = on_white(image), on_white(decoded(result.data, recipe.format))
    assert found.size == wanted.size
    error = difference(wanted, found)
    if recipe.quality is None and recipe.format != "gif":
        assert error == 0
    else:
        blocks = _CLEARLY * difference(wanted, of_blocks(wanted))
        allowed = _ROUNDING + _COARSE / (recipe.quality or 100) + blocks
        assert error <= allowed, f"{error:.1f} > {allowed:.1f}"


def random_recipe(chance: random.Random, format: str) -> Recipe:
    known = FORMATS[format]
    options: dict[str, Any] = {
        "format": format,
        "metadata": chance.choice(("keep", "strip", "strip_location")),
        "color": "keep",
    }
    if known.lossless_is_a_choice and chance.random() < 0.3:
        options["lossless"] = True
    elif known.quality:
        options["quality"] = chance.randint(1, 100)
    if known.default_effort and chance.random() < 0.2:
        options["effort"] = chance.randint(1, known.default_effort)
    if known.progressive:
        options["progressive"] = chance.random() < 0.5
    return Recipe.parse(options)


def file_of(chance: random.Random, image: Image.Image, may_have_profile: bool) -> bytes:
    """Return a lossless file with some metadata. A profile that the target cannot store would change colours."""
    told: Mapping[str, Any] = {"exif": samples.exif()} if chance.random() < 0.5 else {}
    if may_have_profile and image.mode in ("RGB", "RGBA") and chance.random() < 0.5:
        told = {**told, "icc_profile": samples.display_p3()}
    if image.mode == "CMYK":
        return samples.saved(image, "TIFF", **told)
    return samples.saved(image, "PNG", compress_level=1, **told)


def picture(chance: random.Random, has_soft_edges: bool) -> Image.Image:
    """Return a picture of any size, shape, mode and content."""
    size, mode = random_size(chance), chance.choice(MODES)
    image = filled(chance, size)
    if chance.random() < 0.3:
        box = (0, 0, chance.randint(1, size[0]), chance.randint(1, size[1]))
        image.paste(filled(chance, (box[2], box[3])), box)
    if mode.endswith("A"):
        image = image.convert(mode)
        alpha = filled(chance, size).convert("L")
        image.putalpha(alpha if has_soft_edges else alpha.point(lambda level: 255 * (level > 127)))
    return image.convert(mode)


def random_size(chance: random.Random) -> tuple[int, int]:
    longest = chance.choice((16, 16, 300, 300, 300, 1200, 16_000))
    long, short = chance.randint(1, longest), chance.randint(1, 4 if longest > 1200 else longest)
    return chance.choice(((long, short), (short, long)))


def filled(chance: random.Random, size: tuple[int, int]) -> Image.Image:
    match chance.randrange(6):
        case 0:
            return Image.new("RGB", size, color(chance))
        case 1:
            return Image.frombytes("RGB", size, chance.randbytes(3 * size[0] * size[1]))
        case 2:
            bands = [Image.linear_gradient("L").rotate(chance.choice((0, 90, 180, 270))) for _ in "RGB"]
            return Image.merge("RGB", bands).resize(size)
        case 3:
            return samples.photo(size)
        case 4:
            few = (chance.randint(1, 9), chance.randint(1, 9))
            return Image.frombytes("RGB", few, chance.randbytes(3 * few[0] * few[1])).resize(
                size, Image.Resampling.NEAREST
            )
        case _:
            return drawing(chance, size)


def drawing(chance: random.Random, size: tuple[int, int]) -> Image.Image:
    image = Image.new("RGB", size, color(chance))
    draw = ImageDraw.Draw(image)
    for _ in range(chance.randint(1, 30)):
        ends = [(chance.randint(0, size[0]), chance.randint(0, size[1])) for _ in range(2)]
        draw.line(ends, color(chance), chance.randint(1, 9))
        draw.text(ends[0], "Text", color(chance))
    return image


def color(chance: random.Random) -> tuple[int, int, int]:
    levels = (0, 255, chance.randrange(256))
    return (chance.choice(levels), chance.choice(levels), chance.choice(levels))


def decoded(data: bytes, format: str) -> Image.Image:
    if format == "jxl":
        return Image.fromarray(imagecodecs.jpegxl_decode(data))
    with Image.open(BytesIO(data)) as image:
        image.load()
        return image


def on_white(image: Image.Image) -> Image.Image:
    if not image.has_transparency_data:
        return image.convert("RGB")
    shown = image.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", image.size, "white"), shown).convert("RGB")


def of_blocks(image: Image.Image) -> Image.Image:
    """Return the picture as blocks, each in its mean colour."""
    blocks = image.reduce(_BLOCK)
    enlarged = blocks.resize((blocks.width * _BLOCK, blocks.height * _BLOCK), Image.Resampling.NEAREST)
    return enlarged.crop((0, 0, *image.size))


def difference(image: Image.Image, other: Image.Image) -> float:
    return mean(ImageStat.Stat(ImageChops.difference(image, other)).mean)
