from __future__ import annotations

from typing import Any

import pytest
from PIL import Image, ImageChops

from converter.engine import InvalidRecipe, Recipe
from converter.engine.raster import open
from tests.engine.samples import pixel

from . import samples
from .samples import opened, saved

PLAIN = saved(Image.new("RGB", (400, 300), (90, 90, 90)), "PNG")


def marked(
    data: bytes = PLAIN, images: dict[str, bytes] | None = None, **mark: Any
) -> tuple[Any, Image.Image]:
    """Return the bounding box of the watermark, and the image."""
    source = open(data)
    plain = opened(source.render(Recipe.parse({"format": "png"}))).convert("RGB")
    result = source.render(Recipe.parse({"format": "png", "watermark": mark}), images or {})
    assert "watermarked" in {note.code for note in result.report.notes}
    image = opened(result).convert("RGB")
    return ImageChops.difference(image, plain).getbbox(), image


@pytest.mark.parametrize(
    ("position", "across", "down"),
    [
        ("top_left", 0, 0),
        ("top", 1, 0),
        ("top_right", 2, 0),
        ("left", 0, 1),
        ("center", 1, 1),
        ("right", 2, 1),
        ("bottom_left", 0, 2),
        ("bottom", 1, 2),
        ("bottom_right", 2, 2),
    ],
)
def test_a_watermark_is_at_its_position(position: str, across: int, down: int) -> None:
    (left, top, right, bottom), _ = marked(text="mine", position=position)
    assert int((left + right) / 2 * 3 / 400) == across
    assert int((top + bottom) / 2 * 3 / 300) == down


@pytest.mark.parametrize(("margin", "pixels"), [(0, 0), (0.02, 6), (0.1, 30), (0.25, 75)])
def test_a_mark_keeps_its_margin(margin: float, pixels: int) -> None:
    """A fraction of the shorter side, which is 300 pixels."""
    logo = saved(Image.new("RGB", (10, 10), "red"), "PNG")
    box, _ = marked(images={"logo": logo}, image="logo", position="bottom_right", margin=margin, scale=0.1)
    assert box == (400 - pixels - 40, 300 - pixels - 40, 400 - pixels, 300 - pixels)


def test_a_text_is_about_as_wide_as_asked() -> None:
    for scale in (0.2, 0.5, 0.9):
        (left, _, right, _), _ = marked(text="© Alice 2026", scale=scale)
        assert abs((right - left) / 400 - scale) < 0.08


def test_a_long_text_is_wrapped_and_stays_inside() -> None:
    box, _ = marked(text="A very long notice that nobody could read on one line " * 3, scale=0.3)
    assert 0 <= box[0] < box[2] <= 400
    assert box[2] - box[0] < 0.45 * 400
    assert box[3] - box[1] > 40


@pytest.mark.slow
@pytest.mark.parametrize(
    "text", ["x", "W" * 200, "\n\n", "a\nb", "é ü ß", "日本語", "\u202eright", "👍", "\ud800"]
)
@pytest.mark.parametrize("size", [(1, 1), (3, 200), (200, 3), (64, 64)])
def test_any_text_on_any_image_works(text: str, size: tuple[int, int]) -> None:
    data = saved(Image.new("RGB", size), "PNG")
    result = open(data).render(Recipe.parse({"format": "png", "watermark": {"text": text}}))
    assert opened(result).size == size


def test_opacity_fades_the_mark() -> None:
    faint, strong = (marked(text="mine", scale=0.6, opacity=opacity)[1] for opacity in (0.1, 1))
    assert max(faint.getchannel(0).tobytes()) < 120
    assert max(strong.getchannel(0).tobytes()) == 255


def test_a_picture_can_be_the_mark() -> None:
    logo = saved(samples.quarters((40, 40)), "PNG")
    (left, top, right, bottom), image = marked(
        image="logo", images={"logo": logo}, scale=0.25, opacity=1, position="top_left"
    )
    assert (right - left, bottom - top) == (100, 100)
    assert samples.looks_like_quarters(image.crop((left, top, right, bottom)))


def test_a_picture_too_tall_is_fitted() -> None:
    tall = saved(Image.new("RGB", (10, 1000), "red"), "PNG")
    box, _ = marked(image="logo", images={"logo": tall}, scale=0.5)
    assert box[1] >= 0
    assert box[3] - box[1] <= 300


@pytest.mark.parametrize("images", [{}, {"logo": b"no image"}, {"logo": b""}])
def test_a_picture_that_is_not_there_or_broken_is_refused(images: dict[str, Any]) -> None:
    recipe = Recipe.parse({"format": "png", "watermark": {"image": "logo"}})
    with pytest.raises(InvalidRecipe) as caught:
        open(PLAIN).render(recipe, images)
    assert caught.value.errors[0].pointer == "/watermark/image"


def test_a_mark_keeps_transparency_around_it() -> None:
    data = saved(Image.new("RGBA", (200, 100), (0, 0, 0, 0)), "PNG")
    image = opened(open(data).render(Recipe.parse({"format": "webp", "watermark": {"text": "mine"}})))
    assert pixel(image.convert("RGBA"), (2, 2))[3] == 0
    assert max(image.convert("RGBA").getchannel("A").tobytes()) > 100


def test_a_mark_is_seen_on_grey_and_on_every_frame() -> None:
    gray = saved(Image.new("L", (200, 100), 90), "PNG")
    assert marked(gray, text="mine")[0]
    result = open(samples.animated("GIF", size=(120, 80))).render(
        Recipe.parse({"format": "webp", "watermark": {"text": "mine", "opacity": 1, "position": "bottom"}})
    )
    before = samples.frames_of(samples.animated("GIF", size=(120, 80)))
    for (frame, _), (plain, _) in zip(samples.frames_of(result.data), before, strict=True):
        changed = ImageChops.difference(frame.convert("RGB"), plain.convert("RGB")).crop((0, 50, 120, 80))
        assert max(max(band.tobytes()) for band in changed.split()) > 80


def test_a_tiled_mark_is_everywhere() -> None:
    _, image = marked(text="mine", tile=True, opacity=1)
    plain = Image.new("RGB", (400, 300), (90, 90, 90))
    changed = ImageChops.difference(image, plain)
    for left in range(0, 400, 134):
        for top in range(0, 300, 100):
            assert changed.crop((left, top, left + 134, top + 100)).getbbox(), (left, top)


def test_letters_missing_from_the_font_are_reported() -> None:
    result = open(PLAIN).render(Recipe.parse({"format": "png", "watermark": {"text": "a\U0001f44db"}}))
    warning = next(note for note in result.report.warnings if note.code == "glyphs_missing")
    assert warning.params == {"characters": "\U0001f44d"}
    plain = open(PLAIN).render(Recipe.parse({"format": "png", "watermark": {"text": "Alice © 2026"}}))
    assert not [note for note in plain.report.warnings if note.code == "glyphs_missing"]


@pytest.mark.parametrize("mark", [{"text": "  "}, {"text": "\u200b\n "}, {"image": "logo"}], ids=str)
def test_a_watermark_that_nobody_can_see_is_reported(mark: dict[str, str]) -> None:
    logo = saved(Image.new("RGBA", (9, 9), (255, 0, 0, 0)), "PNG")
    recipe = Recipe.parse({"format": "png", "watermark": mark})
    result = open(PLAIN).render(recipe, images={"logo": logo})
    assert [note.code for note in result.report.warnings] == ["watermark_invisible"]
    assert "watermarked" not in {note.code for note in result.report.notes}
    assert result.data == open(PLAIN).render(Recipe.parse({"format": "png"})).data


@pytest.mark.parametrize("text", ["© é ü ß ł", "Ψαλμός", "Живот", "שלום", "مرحبا", "हिन्दी", "ไทย", "ქართული"])
def test_it_writes_in_many_scripts(text: str) -> None:
    result = open(PLAIN).render(Recipe.parse({"format": "png", "watermark": {"text": text}}))
    assert not [note for note in result.report.warnings if note.code == "glyphs_missing"]
