"""Transparency is kept if the format supports it, and otherwise flattened and reported."""

from __future__ import annotations

import struct

import pytest
from PIL import Image

from tests.engine.rendering import codes, render
from tests.engine.samples import pixel

from . import samples
from .samples import is_near, opened, saved


def transparent(mode: str) -> Image.Image:
    image = Image.new("RGBA", (40, 30), (200, 20, 20, 255))
    image.paste((10, 200, 10, 0), (0, 0, 20, 30))
    return image.convert(mode)


@pytest.mark.parametrize("target", ["jpeg", "bmp"])
@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
def test_transparency_is_flattened_on_the_background_and_said(mode: str, target: str) -> None:
    result = render(saved(transparent(mode), "PNG"), format=target, background="#0000ff")
    image = opened(result).convert("RGB")
    assert is_near(pixel(image, (5, 15)), (0, 0, 255), 20)
    assert not is_near(pixel(image, (35, 15)), (0, 0, 255), 60)
    assert "alpha_flattened" in codes(result)


@pytest.mark.parametrize("target", ["png", "webp", "avif", "gif", "tiff", "ico", "jp2"])
@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
def test_transparency_stays_where_the_format_has_it(mode: str, target: str) -> None:
    result = render(saved(transparent(mode), "PNG"), format=target)
    image = opened(result).convert("RGBA")
    middle = image.height // 2
    assert pixel(image, (2 * image.width // 40, middle))[3] < 10
    assert pixel(image, (image.width - 3, middle))[3] > 245
    assert "alpha_flattened" not in codes(result)


@pytest.mark.parametrize(
    ("mode", "clear", "solid"), [("L", 77, 200), ("RGB", (1, 2, 3), (200, 10, 10)), ("I;16", 1000, 60000)]
)
def test_a_transparent_colour_is_transparency_too(
    mode: str, clear: int | tuple[int, int, int], solid: int | tuple[int, int, int]
) -> None:
    image = Image.new(mode, (20, 10), solid)
    for x in range(10):
        for y in range(10):
            image.putpixel((x, y), clear)
    result = render(saved(image, "PNG", transparency=clear), format="webp")
    alpha = opened(result).convert("RGBA").getchannel("A")
    assert (alpha.getpixel((2, 5)), alpha.getpixel((17, 5))) == (0, 255)


def test_hidden_colour_does_not_bleed_when_resizing() -> None:
    image = Image.new("RGBA", (100, 100), (0, 255, 0, 0))
    image.paste((255, 0, 0, 255), (0, 0, 50, 100))
    small = opened(render(saved(image, "PNG"), resize={"width": 10})).convert("RGBA")
    red, green, _, alpha = pixel(small, (4, 5))
    assert alpha > 200
    assert red > 240
    assert green < 15


def test_an_alpha_channel_that_hides_nothing_is_dropped() -> None:
    result = render(saved(samples.photo().convert("RGBA"), "PNG"), format="jpeg")
    assert "alpha_flattened" not in codes(result)


@pytest.mark.long
def test_half_transparent_pixels_in_gif_are_reported() -> None:
    image = samples.quarters(mode="RGBA")
    image.putalpha(100)
    assert "alpha_hardened" in codes(render(saved(image, "PNG"), format="gif"))
    assert "colors_reduced" in codes(render(saved(samples.photo(), "PNG"), format="gif"))


def test_transparency_survives_the_colour_conversion() -> None:
    image = transparent("RGBA")
    result = render(saved(image, "PNG", icc_profile=samples.display_p3()))
    found = opened(result).convert("RGBA")
    assert [pixel(found, (x, 5))[3] for x in (5, 35)] == [0, 255]
    assert "color_converted" in codes(result)


@pytest.mark.parametrize("mode", ["P", "L", "RGB"])
def test_a_clear_colour_of_a_png_in_an_icon_is_clear(mode: str) -> None:
    image = Image.new("L", (32, 32), 40)
    image.paste(200, (0, 0, 16, 32))
    clear = (200, 200, 200) if mode == "RGB" else 200
    png = saved(image.convert("L") if mode == "P" else image.convert(mode), "PNG", transparency=clear)
    if mode == "P":
        image.putpalette(bytes(value for level in range(256) for value in (level, level, level)))
        png = saved(image, "PNG", transparency=clear)
    icon = struct.pack("<HHHBBBBHHII", 0, 1, 1, 32, 32, 0, 0, 1, 32, len(png), 22) + png
    result = opened(render(icon, format="png")).convert("RGBA")
    assert [pixel(result, (x, 5))[3] for x in (5, 25)] == [0, 255]
