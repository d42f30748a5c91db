"""Automatic formats are chosen for a stated reason."""

from __future__ import annotations

import pytest
from PIL import Image, ImageDraw

from converter.engine import Recipe
from converter.engine.raster import choose
from converter.engine.raster.similarity import similarity

from . import samples
from .samples import opened, saved
from .unhurried import PHOTO, SIZE, note, render

pytestmark = pytest.mark.long


def drawing() -> Image.Image:
    image = Image.new("RGB", (400, 300), "white")
    draw = ImageDraw.Draw(image)
    for index in range(12):
        draw.rectangle((20 + 25 * index, 30, 40 + 25 * index, 270 - 15 * index), fill=(20 * index, 60, 200))
        draw.text((20 + 25 * index, 280), str(index), fill="black")
    return image


def test_auto_chooses_by_what_the_picture_is() -> None:
    photo = render(PHOTO, format="auto")
    assert photo.format in {"jpeg", "webp", "avif"}
    assert "smallest at equal similarity" in note(photo, "format_chosen").params["reason"].text
    flat = render(saved(drawing(), "PNG"), format="auto")
    assert flat.format in {"png", "webp"}
    assert similarity(drawing(), opened(flat)) == pytest.approx(1)
    assert "drawing" in note(flat, "format_chosen").params["reason"].text
    moving = render(samples.animated("GIF"), format="auto")
    assert (moving.format, moving.frames) == ("webp", 5)
    assert "animated" in note(moving, "format_chosen").params["reason"].text


@pytest.mark.parametrize("mode", ["1", "L", "LA"])
def test_auto_keeps_a_drawing_in_grey_exactly_and_a_photograph_nearly(mode: str) -> None:
    drawing = Image.new("L", (600, 400), 255)
    draw = ImageDraw.Draw(drawing)
    for number in range(0, 30, 6):
        draw.ellipse(
            (20 * number, 10 * number, 20 * number + 90, 10 * number + 60), outline=number * 5, width=2
        )
    drawn = drawing if mode == "1" else drawing.resize((300, 200), Image.Resampling.LANCZOS)
    result = render(saved(drawn.convert(mode), "PNG"), format="auto")
    assert "kept exactly" in note(result, "format_chosen").text
    wanted = list(drawn.convert(mode).convert("L").get_flattened_data())
    assert list(opened(result).convert("L").get_flattened_data()) == wanted
    if mode != "1":
        photo = render(saved(samples.grainy().convert(mode), "PNG"), format="auto")
        assert "kept exactly" not in note(photo, "format_chosen").text


def test_auto_keeps_transparency() -> None:
    image = samples.grainy((320, 240)).convert("RGBA")
    image.putalpha(Image.linear_gradient("L").resize((320, 240)))
    result = render(saved(image, "PNG"), format="auto")
    assert result.format in {"webp", "avif"}
    assert min(opened(result).convert("RGBA").getchannel("A").tobytes()) < 10
    assert "transparency" in note(result, "format_chosen").params["reason"].text


def test_auto_respects_the_other_options() -> None:
    small = render(PHOTO, format="auto", target_bytes=20_000, resize={"width": 200})
    assert len(small.data) <= 20_000
    assert small.width == 200
    exact = render(PHOTO, format="auto", lossless=True)
    assert similarity(samples.opened(exact), samples.grainy(SIZE)) == pytest.approx(1)
    aimed = render(PHOTO, format="auto", aim="small")
    assert note(aimed, "quality_chosen").params


def test_auto_handles_images_too_long_for_most_formats() -> None:
    result = render(saved(Image.new("L", (20_000, 2), 80), "PNG"), format="auto")
    assert result.format in {"png", "jpeg"}


def test_auto_handles_images_that_few_formats_support() -> None:
    long = Image.new("LA", (17_000, 3), (80, 255))
    long.putpixel((5, 1), (80, 0))
    assert render(saved(long, "PNG"), format="auto", target_bytes=90_000).format == "png"
    frames = [Image.new("RGB", (17_000, 2), (shade, 0, 0)) for shade in (10, 200)]
    film = saved(frames[0], "PNG", save_all=True, append_images=frames[1:], duration=50)
    result = render(film, format="auto")
    assert (result.format, result.frames) == ("png", 2)


def smooth() -> Image.Image:
    level = Image.linear_gradient("L")
    return Image.merge("RGB", (level, level.rotate(90), level)).resize(SIZE)


@pytest.mark.parametrize(("picture", "measured"), [(samples.grainy(SIZE), 0), (smooth(), 2)])
def test_sizes_without_loss_are_measured_only_where_they_may_be_the_smallest(
    monkeypatch: pytest.MonkeyPatch, picture: Image.Image, measured: int
) -> None:
    sizes = []
    size = choose._size

    def noted(sample: Image.Image, option: Recipe) -> int:
        sizes.append(sample.size)
        return size(sample, option)

    monkeypatch.setattr(choose, "_size", noted)
    monkeypatch.setattr(choose, "is_noisy", lambda _: False)
    render(saved(picture, "PNG"), format="auto")
    assert sizes.count(SIZE) == measured
    assert len(sizes) == measured + 2


def test_a_picture_of_one_row_has_a_format() -> None:
    row = samples.grainy((1760, 1))
    assert render(saved(row, "PNG"), format="auto").width == 1760
