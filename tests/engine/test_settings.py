"""Each image is encoded with suitable settings, and decodes to the same pixels."""

from __future__ import annotations

import zlib
from typing import Any

import pytest
from PIL import Image, ImageChops, ImageDraw

from converter.engine import Recipe, raster
from converter.engine.report import Result

from . import samples
from .samples import opened, saved

pytestmark = pytest.mark.long


def render(data: bytes, **recipe: Any) -> Result:
    return raster.open(data).render(Recipe.parse(recipe))


def drawing(size: tuple[int, int] = (640, 480)) -> Image.Image:
    """Return flat shapes in many colours that repeat."""
    image = Image.new("RGB", size, "white")
    draw = ImageDraw.Draw(image)
    for n in range(0, size[0], 8):
        draw.rectangle((n, 0, n + 5, size[1]), fill=(n % 256, 90, 255 - n % 256))
    return image


PHOTO = samples.grainy((640, 480))


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L"])
def test_photographs_are_packed_without_a_search_for_repeats(mode: str) -> None:
    photo = {"compress_level": 6, "compress_type": zlib.Z_RLE}
    for image, settings in ((PHOTO, photo), (drawing(), {"compress_level": 6})):
        image = image.convert(mode)
        if mode == "RGBA":
            image.putpixel((0, 0), (9, 9, 9, 9))
        result = render(saved(image, "PNG"), format="png")
        assert result.report.settings == settings
        assert ImageChops.difference(opened(result).convert(mode), image).getbbox() is None


def test_a_photograph_is_no_larger_for_being_packed_fast() -> None:
    assert len(render(saved(PHOTO, "BMP"), format="png").data) < 1.05 * len(
        saved(PHOTO, "PNG", compress_level=6)
    )


def test_a_requested_effort_is_used() -> None:
    assert render(saved(PHOTO, "PNG"), format="png", effort=9).report.settings == {"compress_level": 9}


@pytest.mark.slow
def test_large_avifs_are_made_faster_unless_an_effort_is_asked_for() -> None:
    small, large = (saved(Image.new("RGB", size), "PNG") for size in ((400, 300), (4100, 3000)))
    assert render(small, format="avif").report.settings["speed"] == 6
    assert render(large, format="avif").report.settings["speed"] == 8
    assert render(large, format="avif", effort=4).report.settings["speed"] == 6


def test_flat_frames_of_an_animation_lose_nothing() -> None:
    frames = [Image.new("RGB", (120, 80), "white") for _ in range(8)]
    for n, frame in enumerate(frames):
        ImageDraw.Draw(frame).ellipse((10 * n, 20, 10 * n + 30, 50), fill="red")
    source = saved(frames[0], "GIF", save_all=True, append_images=frames[1:], duration=50, loop=0)
    result = render(source, format="webp", quality=50)
    for (ours, _), frame in zip(samples.frames_of(result.data), frames, strict=True):
        assert ImageChops.difference(ours.convert("RGB"), frame).getbbox() is None


def test_an_animation_of_many_pixels_is_written_as_avif_with_less_effort() -> None:
    frames = [Image.new("RGB", (800, 600), (20 * number, 90, 40)) for number in range(10)]
    data = saved(frames[0], "WEBP", save_all=True, append_images=frames[1:], duration=40)
    assert render(data, format="avif").report.settings["speed"] == 8
    assert render(data, format="avif", frames="first").report.settings["speed"] == 6
