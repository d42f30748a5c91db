"""Animated GIFs keep every pixel and are no larger than those of gifsicle."""

from __future__ import annotations

from typing import Any

import pytest
from PIL import Image, ImageChops

from converter.engine import Recipe
from converter.engine.raster import open
from converter.engine.raster.codecs.gif_blocks import gif_blocks
from converter.engine.raster.similarity import similarity

from . import moving, samples

pytestmark = pytest.mark.long

# Bytes by gifsicle 1.93: -O3, and -O3 --resize 100x75.
GIFSICLE = {
    "sticker": (5744, 2658),
    "spinner": (10463, 5034),
    "sprite": (11783, 4941),
    "screen": (11596, 4408),
    "text": (19523, 7288),
    "chart": (2456, 1481),
    "slides": (47423, 21962),
    "pan": (186111, 63539),
    "fade": (97092, 44549),
    "camera": (52449, 26669),
}
MOST = 1.3


def render(data: Any, **recipe: Any) -> Any:
    return open(data).render(Recipe.parse({"format": "gif", **recipe}))


def visible(image: Any) -> Any:
    shown = Image.new("RGBA", image.size, "magenta")
    shown.alpha_composite(image)
    return shown


@pytest.mark.slow
@pytest.mark.parametrize("name", GIFSICLE)
def test_every_pixel_is_kept_in_no_more_bytes_than_gifsicle_needs(name: Any) -> None:
    source = moving.gif(name)
    result = render(source)
    assert len(result.data) <= 1.05 * GIFSICLE[name][0]
    before, after = samples.frames_of(source), samples.frames_of(result.data)
    assert [delay for _, delay in after] == [delay for _, delay in before]
    for (image, _), (other, _) in zip(before, after, strict=True):
        assert ImageChops.difference(visible(image), visible(other)).getbbox() is None


@pytest.mark.slow
@pytest.mark.parametrize("name", GIFSICLE)
def test_a_smaller_animation_takes_no_more_bytes_than_gifsicle_makes_it(name: Any) -> None:
    source = moving.gif(name)
    result = render(source, resize={"scale": 50})
    assert len(result.data) <= MOST * GIFSICLE[name][1]
    [first, *_], [small, *_] = samples.frames_of(source), samples.frames_of(result.data)
    wanted = visible(first[0]).resize((100, 75), Image.Resampling.LANCZOS)
    assert similarity(wanted, visible(small[0])) > 0.8


def test_a_drawing_keeps_its_flat_colours_when_it_is_resized() -> None:
    *_, (frame, _) = samples.frames_of(render(moving.gif("chart"), resize={"scale": 50}).data)
    assert frame.getpixel((2, 2)) == (255, 255, 255, 255)
    assert samples.is_near(frame.getpixel((10, 62))[:3], (0, 120, 220), 12)


def test_frames_share_a_palette_where_their_colours_fit_into_one() -> None:
    data = render(moving.gif("chart")).data
    assert data[10] & 0x80
    assert any(not data[image.start + 9] & 0x80 for image in gif_blocks(data).images)
    assert not render(moving.gif("slides")).data[10] & 0x80


def test_frames_of_different_scenes_keep_palettes_of_their_own() -> None:
    [*frames] = moving.slides()
    film = samples.saved(
        frames[0], "WEBP", save_all=True, append_images=frames[1:], duration=50, lossless=True
    )
    data = render(film).data
    assert all(data[image.start + 9] & 0x80 for image in gif_blocks(data).images)
    for (image, _), frame in zip(samples.frames_of(data), frames, strict=True):
        assert similarity(image, frame) > 0.89


def test_static_parts_are_stored_once_even_with_too_many_colours() -> None:
    scene = samples.grainy((120, 90))
    frames = [scene.copy() for _ in range(6)]
    for number, frame in enumerate(frames):
        frame.paste((250, 0, 0), (10 * number, 40, 10 * number + 10, 50))
    film = samples.saved(
        frames[0], "WEBP", save_all=True, append_images=frames[1:], duration=50, lossless=True
    )
    alone = samples.saved(frames[0], "PNG")
    assert len(render(film).data) < 1.2 * len(render(alone).data)


def test_a_still_of_few_colours_takes_short_codes() -> None:
    drawing = Image.new("RGB", (64, 64), "white")
    drawing.paste("navy", (10, 10, 40, 40))
    result = render(samples.saved(drawing, "PNG"))
    assert ImageChops.difference(samples.opened(result).convert("RGB"), drawing).getbbox() is None
    assert len(result.data) < 170
