"""Selected pages and frames: which are read, kept and made separate files."""

from __future__ import annotations

import io
from typing import Any

import numpy
import pytest
import pyvips
import tifffile
from PIL import Image, ImageColor, ImageDraw

from converter.engine import FORMATS, InvalidRecipe, NoSuchPage, Recipe, TooManyFrames, sentence
from converter.engine.limits import Limits
from converter.engine.raster import open
from converter.engine.selection import selected, tidied

from . import samples
from .rendering import READ_BACK, codes, render

COLORS = ("red", "lime", "blue", "white", "black")


def film(format: str) -> bytes:
    """Return five frames; later ones draw only part of the image over the previous ones."""
    image = Image.new("RGB", (40, 30), "red")
    frames = []
    for number, color in enumerate(COLORS):
        ImageDraw.Draw(image).rectangle((number * 8, 0, number * 8 + 7, 30), fill=color)
        frames.append(image.copy())
    lossless = {"lossless": True} if format == "WEBP" else {}
    return samples.saved(frames[0], format, save_all=True, append_images=frames[1:], duration=70, **lossless)


def scan() -> bytes:
    """Return three pages, each with its own size and density."""
    output = io.BytesIO()
    with tifffile.TiffWriter(output) as writer:
        for number, shade in enumerate((200, 100, 50)):
            page = numpy.full((20 + number, 30, 3), (shade, 0, 255 - shade), "uint8")
            dpi = 100 * (number + 1)
            writer.write(page, photometric="rgb", resolution=(dpi, dpi), resolutionunit="INCH")
    return output.getvalue()


def pixels(data: bytes) -> Any:
    with Image.open(io.BytesIO(data)) as image:
        return numpy.asarray(image.convert("RGB"))


@pytest.mark.parametrize("format", ["GIF", "PNG", "WEBP"])
def test_a_frame_is_what_another_decoder_shows_at_that_time(format: str) -> None:
    data = film(format)
    for number in range(5):
        result = render(data, pages=str(number + 1))
        if format == "PNG":  # libvips cannot read animated PNG
            shown = pixels(result.data)
            assert tuple(shown[5, number * 8]) == ImageColor.getrgb(COLORS[number])
            continue
        witness = pyvips.Image.new_from_buffer(data, "", page=number).numpy()[:, :, :3]
        assert numpy.array_equal(pixels(result.data), witness)
        assert result.frames == 1


def test_a_page_is_what_another_decoder_reads() -> None:
    data = scan()
    with tifffile.TiffFile(io.BytesIO(data)) as file:
        for number, page in enumerate(file.pages):
            result = render(data, pages=str(number + 1))
            assert numpy.array_equal(pixels(result.data), page.asarray())
            with Image.open(io.BytesIO(result.data)) as image:
                assert image.info["dpi"] == pytest.approx((100 * (number + 1),) * 2, abs=0.1)


def test_a_range_of_pages_is_kept_in_the_order_of_the_file() -> None:
    result = render(scan(), format="tiff", pages="3,2")
    with tifffile.TiffFile(io.BytesIO(result.data)) as file:
        assert [page.shape for page in file.pages] == [(21, 30, 3), (22, 30, 3)]
    assert (result.report.frames_in, result.report.frames_kept) == (3, 2)
    assert "pages_selected" in codes(result)
    assert "pages_kept" not in codes(result)


def test_a_range_of_frames_is_an_animation_of_them() -> None:
    result = render(film("GIF"), format="webp", pages="2-4", lossless=True)
    assert result.frames == 3
    last = pyvips.Image.new_from_buffer(result.data, "", page=2).numpy()[:, :, :3]
    assert numpy.array_equal(last, pyvips.Image.new_from_buffer(film("GIF"), "", page=3).numpy()[:, :, :3])


def test_a_range_beyond_the_end_is_cut() -> None:
    result = render(scan(), format="pdf", pages="2-9")
    [note] = [note for note in result.report.notes if note.code == "pages_selected"]
    assert (result.frames, note.params) == (2, {"pages": "2-3", "count": 3})


@pytest.mark.parametrize("pages", ["4", "4-", "99999"])
def test_pages_that_are_not_there_are_refused(pages: str) -> None:
    with pytest.raises(NoSuchPage) as caught:
        render(scan(), pages=pages)
    assert caught.value.code == "no_such_page"
    assert caught.value.params == {"pages": pages, "count": 3}


def test_a_picture_alone_is_its_first_page() -> None:
    data = samples.saved(samples.photo((30, 20)), "JPEG")
    assert "pages_selected" not in codes(render(data, pages="1"))
    with pytest.raises(NoSuchPage):
        render(data, pages="2")


def test_of_selected_pages_a_format_of_one_picture_keeps_the_first_and_says_so() -> None:
    result = render(scan(), format="jpeg", pages="2-3")
    assert (result.width, result.height) == (30, 21)
    assert "first_page_only" in codes(result)
    assert "first_page_only" not in codes(render(scan(), format="jpeg", pages="2"))
    assert "first_page_only" not in codes(render(scan(), format="jpeg", pages="2-3", frames="first"))


def test_the_size_of_a_page_is_its_own() -> None:
    result = render(scan(), pages="3", resize={"width": 15})
    assert result.report.resized == ((30, 22), (15, 11))


@pytest.mark.parametrize("format", READ_BACK)
def test_every_format_can_store_a_single_frame(format: str) -> None:
    result = render(film("GIF"), format=format, pages="3")
    assert (result.frames, result.report.frames_in) == (1, 5)


def test_the_second_picture_of_a_stereo_camera_is_a_page() -> None:
    red, blue = (Image.new("RGB", (32, 16), color) for color in ("red", "blue"))
    data = samples.saved(red, "MPO", save_all=True, append_images=[blue])
    assert pixels(render(data, pages="2").data)[5, 5].tolist() == [0, 0, 254]
    result = render(data, format="tiff")
    with tifffile.TiffFile(io.BytesIO(result.data)) as file:
        assert [page.asarray()[5, 5].tolist() for page in file.pages] == [[254, 0, 0], [0, 0, 254]]
    assert "primary_image_only" in codes(render(data, format="jpeg"))


def test_the_pictures_of_a_heic_are_pages_and_the_main_one_is_the_first() -> None:
    data = (samples.FILES / "two.heic").read_bytes()
    result = render(data, format="pdf")
    assert result.frames == 2
    first, second = (pixels(render(data, pages=number).data)[20, 30].astype(int) for number in "12")
    assert abs(first - (30, 30, 200)).max() < 20
    assert abs(first - second).max() > 50


def test_one_decode_serves_recipes_of_different_pages() -> None:
    recipes = [Recipe.parse({"format": "png", "pages": str(number)}) for number in (3, 1)]
    source = open(scan())
    source.load(recipes)
    assert [source.render(recipe).height for recipe in recipes] == [22, 20]


def test_each_page_has_a_recipe_of_its_own() -> None:
    recipe = Recipe.parse({"format": "png", "frames": "each", "pages": "2-"})
    assert [each.canonical() for each in recipe.each(3)] == [
        {"format": "png", "pages": "2"},
        {"format": "png", "pages": "3"},
    ]
    with pytest.raises(NoSuchPage):
        recipe.each(1)
    assert Recipe.parse({"format": "png", "frames": "each"}).each(1) == [Recipe.parse({"format": "png"})]


def test_too_many_pages_are_refused_whichever_are_selected() -> None:
    with pytest.raises(TooManyFrames):
        open(scan(), Limits(max_frames=2)).render(Recipe.parse({"format": "png", "pages": "1"}))


@pytest.mark.parametrize(
    "pages", ["", "0", "1,", "a", "1--2", "-3", " 1", "100000", "1;2", "1," * 60 + "1", 3]
)
def test_an_invalid_selection_is_refused(pages: Any) -> None:
    with pytest.raises(InvalidRecipe) as caught:
        Recipe.parse({"format": "png", "pages": pages})
    assert [error.pointer for error in caught.value.errors] == ["/pages"]


def test_a_range_does_not_run_backwards() -> None:
    with pytest.raises(InvalidRecipe) as caught:
        Recipe.parse({"format": "png", "pages": "3-1"})
    assert [error.message.code for error in caught.value.errors] == ["pages_backwards"]


@pytest.mark.parametrize(
    ("said", "tidy"),
    [("1", "1"), ("1-", None), ("7, 1-2,3", "1-3,7"), ("2-9,5-", "2-"), ("4,4", "4"), ("1-3,5-6,4", "1-6")],
)
def test_one_selection_has_one_spelling(said: str, tidy: str | None) -> None:
    assert tidied(said) == tidy
    assert selected(said, 12) == selected(tidy, 12)
    assert Recipe.parse({"format": "png", "pages": said}).pages == tidy


def test_a_selection_is_in_the_sentence_of_the_recipe() -> None:
    recipe = Recipe.parse({"format": "png", "pages": "1-3", "frames": "each"})
    assert "pages or frames 1-3" in sentence(recipe)
    assert "each page or frame as its own file" in sentence(recipe)
    assert FORMATS["png"].label in sentence(recipe)
