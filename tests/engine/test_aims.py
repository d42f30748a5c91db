"""Quality modes meet their targets, and the report says why if they cannot."""

from __future__ import annotations

from typing import Any

import pytest
from PIL import Image, ImageChops, ImageDraw, ImageFilter

from converter.engine import Recipe
from converter.engine.limits import Deadline
from converter.engine.raster import aim, choose, open
from converter.engine.raster.score import Reference
from converter.engine.raster.search import AIMS
from converter.engine.raster.steps import Frame
from converter.engine.report import Result

from . import samples
from .samples import opened, saved
from .unhurried import PHOTO, SIZE, note, render

pytestmark = pytest.mark.long


@pytest.mark.slow
@pytest.mark.parametrize("format", ["jpeg", "webp", "avif"])
def test_aims_are_ordered_bounded_and_measured(format: str) -> None:
    picture = samples.grainy(SIZE).filter(ImageFilter.GaussianBlur(1))
    source = saved(picture, "PNG")
    results = [render(source, format=format, aim=aim) for aim in ("small", "balanced", "near_identical")]
    sizes = [len(result.data) for result in results]
    assert sizes == sorted(sizes)
    assert sizes[0] < sizes[2]
    for result in results:
        chosen = note(result, "quality_chosen").params
        assert 25 <= chosen["quality"] <= (98 if format == "webp" else 95)
        assert result.report.score == chosen["score"]
        assert Reference(picture).score(opened(result)) == pytest.approx(chosen["score"], abs=0.1)
        assert result.report.encoder == {"jpeg": "JPEG", "webp": "WebP", "avif": "AVIF"}[format]
        assert result.report.settings["quality"] == chosen["quality"]


@pytest.mark.parametrize("quality", [4, 30])
def test_an_aim_never_makes_the_file_larger_than_its_source(quality: Any) -> None:
    source = saved(samples.grainy((320, 240)), "JPEG", quality=quality, optimize=True, progressive=True)
    result = render(source, format="jpeg", aim="near_identical")
    assert len(result.data) <= len(source)
    if quality > 4:  # at 4, what is left of the image takes fewer bytes from a better encoder
        assert note(result, "held_to_source").params["quality"] <= 94


def missed(result: Result) -> dict[str, Any]:
    return dict(note(result, "aim_missed").params)


def small_text() -> Image.Image:
    """Return red text on blue, which no codec preserves with subsampled chroma."""
    image = Image.new("RGB", (160, 120), "blue")
    for y in range(0, 120, 12):
        ImageDraw.Draw(image).text((5, y), "red on blue is not easy", fill=(220, 0, 0))
    return image


@pytest.mark.parametrize("format", ["jpeg", "avif", "webp"])
def test_more_colour_detail_is_kept_at_a_low_quality_where_that_takes_fewer_bytes(format: str) -> None:
    picture = Image.new("RGB", (240, 160), "navy")
    for y in range(8, 150, 16):
        ImageDraw.Draw(picture).text((5, y), "orange on navy is quite colourful", fill="darkorange")
    result = render(
        saved(picture.filter(ImageFilter.GaussianBlur(0.6)), "BMP"), format=format, aim="balanced"
    )
    name, kept = ("sharp_yuv", True) if format == "webp" else ("subsampling", "4:4:4")
    assert result.report.settings[name] == kept
    assert 70 <= (result.report.score or 0) <= 75
    assert note(result, "quality_chosen").params["quality"] <= 85


def test_a_reached_aim_is_not_reported_as_missed() -> None:
    result = render(PHOTO, format="webp", aim="balanced")
    assert (result.report.score or 0) >= AIMS["balanced"].score
    assert "aim_missed" not in [each.code for each in result.report.warnings]


def test_an_aim_that_the_highest_quality_misses_is_reported() -> None:
    frames = [ImageChops.offset(small_text(), shift) for shift in (0, 9)]
    source = saved(frames[0], "PNG", save_all=True, append_images=frames[1:], duration=100)
    result = render(source, format="webp", aim="near_identical")
    score = result.report.score
    assert score is not None
    assert missed(result) == {"kind": "quality", "quality": 98, "score": score, "aim": 82.5}
    assert score < 82.5
    assert f"Visual score {score:.1f}, not the 82.5" in note(result, "aim_missed").text


@pytest.mark.parametrize("aim", ["balanced", "near_identical"])
def test_webp_is_lossless_where_its_colour_resolution_is_not_enough(aim: str) -> None:
    picture = small_text()
    result = render(saved(picture, "PNG"), format="webp", aim=aim)
    assert opened(result).convert("RGB").tobytes() == picture.tobytes()
    assert (result.report.score, result.report.settings["lossless"]) == (100, True)
    told = note(result, "lossless_chosen").params
    assert told["score"] < told["aim"] - 1 == AIMS[aim].score - 1
    assert not {"aim_missed", "quality_chosen"} & {
        each.code for each in (*result.report.notes, *result.report.warnings)
    }


def test_a_lossless_webp_must_not_be_larger_than_its_source() -> None:
    source = saved(small_text().filter(ImageFilter.GaussianBlur(0.4)), "WEBP", quality=20)
    result = render(source, format="webp", aim="near_identical")
    assert len(result.data) <= len(source)
    assert missed(result)["kind"] == "bytes"


def test_there_must_be_time_for_a_lossless_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(aim, "_SECONDS_WITHOUT_LOSS", 1e9)
    result = render(saved(small_text(), "PNG"), format="webp", aim="near_identical")
    assert missed(result)["kind"] == "quality"


@pytest.mark.parametrize("format", ["jpeg", "webp"])
def test_a_large_picture_meets_its_aim_as_a_whole(format: str, monkeypatch: pytest.MonkeyPatch) -> None:
    picture = samples.grainy((1760, 1240))
    picture.paste(picture.crop((0, 0, 1300, 1240)).filter(ImageFilter.GaussianBlur(2)), (0, 0))
    result = render(saved(picture, "PNG", compress_level=1), format=format, aim="balanced")
    monkeypatch.setattr("converter.engine.raster.score.is_large", lambda _: False)
    assert result.report.score == pytest.approx(Reference(picture).score(opened(result)), abs=0.5)
    assert 70 <= (result.report.score or 0) <= 77


def test_an_aim_that_the_size_of_the_original_prevents_is_reported() -> None:
    source = saved(samples.grainy((320, 240)), "JPEG", quality=30, optimize=True, progressive=True)
    result = render(source, format="jpeg", aim="near_identical")
    assert missed(result)["kind"] == "bytes"
    assert missed(result)["score"] == result.report.score
    assert (result.report.score or 0) < 82.5
    assert len(result.data) <= len(source)


def test_an_aim_without_enough_time_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Deadline, "leaves", lambda *_: False)
    result = render(PHOTO, format="webp", aim="near_identical")
    assert missed(result)["kind"] == "time"
    assert missed(result)["quality"] == result.report.settings["quality"] < 95


@pytest.mark.parametrize(
    ("avif", "best", "reason"),
    [
        (88, "avif", "reason_smallest.compared"),
        (80, "jpeg", "reason_closest"),
    ],
)
def test_auto_takes_no_format_for_its_size_that_misses_the_aim(
    monkeypatch: pytest.MonkeyPatch, avif: float, best: str, reason: str
) -> None:
    tries = {"jpeg": (900, 87.0), "webp": (500, 70.0), "avif": (800, avif)}
    monkeypatch.setattr(choose, "_alike", lambda _, option, *__: tries[option.format])
    recipe = Recipe.parse({"format": "auto", "aim": "near_identical"})
    choice = choose.chosen([Frame.whole(samples.photo())], recipe, Deadline(60))
    assert choice.recipe.format == best
    assert choice.reason.template == reason
    assert "WebP" not in choice.reason.text


def test_an_aim_holds_for_every_frame_of_an_animation() -> None:
    result = render(samples.animated("GIF"), format="webp", aim="balanced")
    assert result.frames == 5
    assert (result.report.similarity or 0) > 0.9


@pytest.mark.parametrize("kind", ["text", "gradient", "dithered"])
def test_the_smallest_lossless_result_is_kept_exactly(kind: str) -> None:
    text = Image.new("L", (600, 400), 255)
    for line in range(10, 380, 16):
        ImageDraw.Draw(text).text((10, line), "The quick brown fox jumps over the lazy dog. " * 2, fill=0)
    level = Image.linear_gradient("L").resize((600, 600))
    gradient = Image.merge("RGB", (level, level.rotate(90).resize(level.size), level))
    picture = {"text": text, "gradient": gradient, "dithered": samples.photo((600, 400)).convert("1")}[kind]
    result = open(saved(picture, "PNG")).render(Recipe.parse({"format": "auto"}))
    assert opened(result).convert(picture.mode).tobytes() == picture.tobytes()
