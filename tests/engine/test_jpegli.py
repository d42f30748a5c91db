"""JPEGs are written by jpegli if it is available, otherwise by libjpeg-turbo."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import imagecodecs
import numpy as np
import pytest
from PIL import Image, ImageChops, ImageDraw, ImageFilter, ImageFont, ImageStat

from converter.engine import OutOfMemory, Recipe, raster
from converter.engine.raster.codecs import jpeg, jpegli
from converter.engine.raster.codecs.color_detail import color_detail
from converter.engine.raster.codecs.jpeg_segments import before_pixels, is_frame, segments
from converter.engine.raster.codecs.optional import OptionalLibrary
from converter.engine.raster.score import Reference
from converter.engine.report import Result

from . import samples
from .samples import opened, saved

PHOTO = samples.photo()
SOURCE = saved(PHOTO, "PNG")
START_OF_SCAN = 0xDA
STANDARD_TABLE = bytes.fromhex(
    "0002010303020403050504040000017d"
)  # number of codes of each length: T.81, table K.5


def render(data: bytes = SOURCE, **recipe: Any) -> Result:
    return raster.open(data).render(Recipe.parse({"format": "jpeg", **recipe}))


def is_jpegli(result: Result) -> bool:
    return result.report.settings.get("encoder") == "jpegli"


def scans(data: bytes) -> int:
    return sum(segment.marker == START_OF_SCAN for segment in segments(data))


def head(data: bytes) -> list[tuple[int, bytes]]:
    """Return all APPn segments and comments."""
    told = [(segment.marker, data[segment.start : segment.end]) for segment in before_pixels(data)]
    return [(marker, content) for marker, content in told if marker >= 0xE0]


@pytest.mark.parametrize(
    ("mode", "quality"),
    [
        *(("RGB", quality) for quality in (15, 30, 45, 60, 75, 85, 89, 90, 95)),
        ("L", 60),
        ("L", 80),
        ("L", 92),
    ],
)
def test_a_quality_looks_the_same_in_fewer_bytes(mode: str, quality: int) -> None:
    """SSIMULACRA2 of the two encoders: 7.8 and 10.5, 39.0 and 39.7 … 68.9 and 69.0, 70.7 and 71.0."""
    source = saved(PHOTO.convert(mode), "PNG")
    ours, plain = render(source, quality=quality), render(source, quality=quality, effort=1)
    assert is_jpegli(ours)
    assert not is_jpegli(plain)
    assert len(ours.data) < 0.95 * len(plain.data)
    assert ours.report.settings["subsampling"] == plain.report.settings["subsampling"]
    photo = Reference(PHOTO)
    assert photo.score(opened(ours)) == pytest.approx(photo.score(opened(plain)), abs=4)


@pytest.mark.parametrize(
    ("mode", "recipe"), [("RGB", {"effort": 1}), ("RGB", {"quality": 9}), ("L", {"effort": 1})]
)
def test_libjpeg_turbo_writes_the_rest(mode: str, recipe: Any) -> None:
    result = render(saved(PHOTO.convert(mode), "PNG"), **recipe)
    assert not is_jpegli(result)
    assert opened(result).mode == mode


def test_a_picture_of_many_pixels_is_not_given_to_jpegli(monkeypatch: pytest.MonkeyPatch) -> None:
    assert is_jpegli(render())
    monkeypatch.setattr(jpegli, "MOST_SAMPLES", PHOTO.width * PHOTO.height * 3 // 2 - 1)
    assert not is_jpegli(render())


def test_progressive_changes_no_pixel() -> None:
    progressive, baseline = render(), render(progressive=False)
    assert scans(progressive.data) > 1
    assert scans(baseline.data) == 1
    assert len(progressive.data) < len(baseline.data)
    assert opened(progressive).tobytes() == opened(baseline).tobytes()


@pytest.mark.parametrize("recipe", [{}, {"progressive": False}, {"effort": 1}])
def test_the_huffman_tables_fit_the_picture(recipe: dict[str, Any]) -> None:
    result = render(**recipe)
    assert result.report.settings["optimize"]
    assert STANDARD_TABLE not in result.data


@pytest.mark.parametrize("size", [(1, 1), (1, 300), (17, 5), (300, 257), (256, 512)])
@pytest.mark.parametrize("progressive", [True, False])
@pytest.mark.parametrize(
    ("mode", "quality", "factors"), [("RGB", 85, [34, 17, 17]), ("RGB", 92, [17, 17, 17]), ("L", 85, [17])]
)
def test_another_decoder_reads_the_image_at_any_size(
    mode: str, quality: int, factors: list[int], size: Any, progressive: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jpeg, "_MOST_COLOR_DETAIL", 255)
    picture = PHOTO.convert(mode).resize(size)
    result = render(saved(picture, "PNG"), quality=quality, progressive=progressive)
    assert is_jpegli(result)
    frame = next(segment for segment in segments(result.data) if is_frame(segment.marker))
    assert [result.data[at] for at in range(frame.start + 7, frame.end, 3)] == factors  # T.81, B.2.2
    pixels = np.asarray(imagecodecs.jpeg8_decode(result.data), dtype=int)
    assert abs(pixels - np.asarray(picture, dtype=int)).mean() < (4 if min(size) > 5 else 12)
    difference = ImageChops.difference(opened(result), Image.fromarray(pixels.astype("uint8")))
    assert max(ImageStat.Stat(difference).mean) < 1


@pytest.mark.parametrize("metadata", ["strip", "strip_location", "keep"])
@pytest.mark.parametrize("color", ["srgb", "keep"])
def test_metadata_profile_and_density_are_those_of_libjpeg_turbo(metadata: str, color: str) -> None:
    source = samples.phone_jpeg()
    ours, plain = (render(source, metadata=metadata, color=color, effort=effort) for effort in (5, 1))
    assert is_jpegli(ours)
    assert head(ours.data) == head(plain.data)
    assert (metadata == "strip") == (len(head(ours.data)) < 3)


def broken(*_: Any, **__: Any) -> bytes:
    raise RuntimeError("unexpected")


def grey(*_: Any, **__: Any) -> bytes:
    return saved(Image.new("RGB", (72, 40), "grey"), "JPEG")


def unreadable(*_: Any, **__: Any) -> bytes:
    return b"\xff\xd8\xff\xd9"


@pytest.mark.parametrize("wrong", [broken, grey, unreadable])
def test_a_library_that_fails_its_test_is_not_used_and_doctor_says_so(
    monkeypatch: pytest.MonkeyPatch, wrong: Callable[..., bytes]
) -> None:
    plain = render(effort=1)
    monkeypatch.setattr("ajpegli.encode", wrong)
    monkeypatch.setattr(jpegli, "LIBRARY", OptionalLibrary(jpegli._tried))
    assert raster.check() == []
    assert any("on this processor" in note for note in raster.notes())
    assert render().data == plain.data


@pytest.mark.parametrize("package", ["ajpegli", "numpy"])
def test_jpegs_are_written_where_a_package_is_missing(monkeypatch: pytest.MonkeyPatch, package: str) -> None:
    monkeypatch.delitem(sys.modules, "ajpegli", raising=False)
    monkeypatch.setitem(sys.modules, package, None)
    monkeypatch.setattr(jpegli, "LIBRARY", OptionalLibrary(jpegli._tried))
    assert f"JPEGs are larger than they could be: {package} is not installed." in raster.notes()
    assert not is_jpegli(render())


def test_an_image_without_enough_memory_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jpegli, "_ROOM", 2**40)
    with pytest.raises(OutOfMemory):
        render()


def text(ground: str, color: str) -> Image.Image:
    image, font = Image.new("RGB", (320, 240), ground), ImageFont.load_default(14)
    for y in range(0, 240, 20):
        ImageDraw.Draw(image).text((5, y), "red on blue is not easy to read, and never was", color, font)
    return image


@pytest.mark.parametrize(("ground", "color"), [("blue", "red"), ("magenta", "green"), ("orange", "cyan")])
def test_vivid_text_is_written_by_libjpeg_turbo_which_keeps_far_more_of_it(
    ground: str, color: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    picture = text(ground, color)
    vivid, reference = saved(picture, "PNG"), Reference(picture)
    ours = render(vivid, quality=95)
    assert not is_jpegli(ours)
    assert ours.report.settings["subsampling"] == "4:4:4"
    monkeypatch.setattr(jpeg, "_MOST_COLOR_DETAIL", 255)
    by_jpegli = render(vivid, quality=95)
    assert is_jpegli(by_jpegli)
    assert len(ours.data) < 1.1 * len(by_jpegli.data)
    assert reference.score(opened(ours)) > reference.score(opened(by_jpegli)) + 5


@pytest.mark.parametrize("size", [(300, 299), (7, 1), (1, 500), (1, 1)])
def test_halving_the_colour_of_a_photo_costs_little(size: tuple[int, int]) -> None:
    assert color_detail(PHOTO.resize(size)) < 12
    assert color_detail(Image.new("RGB", size, "red")) == 0


def test_an_aim_keeps_the_resolution_of_colour_for_what_needs_it() -> None:
    soft = PHOTO.filter(ImageFilter.GaussianBlur(2))
    needs, does_not = (
        render(saved(image, "PNG"), aim="near_identical") for image in (text("blue", "#dc0000"), soft)
    )
    assert needs.report.settings["subsampling"] == "4:4:4"
    assert (needs.report.score or 0) >= 75
    assert does_not.report.settings["subsampling"] == "4:2:0"
    assert (does_not.report.score or 0) >= 82.5
