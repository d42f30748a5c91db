"""Profiles are interpreted by their content, not by their name."""

from __future__ import annotations

from typing import Any

import pytest
from PIL import Image

from converter.engine import Recipe
from converter.engine.raster import open
from converter.engine.report import Result
from tests.engine.color_charts import (
    COLORS,
    DISPLAY_P3,
    GAMMA_2_2,
    IN_LINEAR,
    LINEAR,
    LINEAR_SRGB,
    P3_GAMMA_2_2,
    P3_POINTS,
    UNCHANGED,
    assert_chart,
    at_once,
    chart,
    cicp,
    gamma,
    png,
    points,
    small,
    tiled_chart,
)
from tests.engine.rendering import codes, render
from tests.engine.samples import pixel

from . import samples
from .samples import is_near, opened, saved

ADOBE_RGB = [(233, 35, 23), (0, 201, 0), (39, 24, 205), (208, 181, 42), (241, 174, 140)]


def adobe_rgb_by_exif(index: str = "R03", color_space: int = 65_535) -> bytes:
    block = Image.Exif()
    block[0x8769] = {0xA001: color_space, 0xA500: 2.2, 0xA005: {1: index, 2: b"0100"}}
    return block.tobytes()


def jpeg(**arguments: Any) -> bytes:
    return saved(tiled_chart(), "JPEG", quality=100, subsampling=0, **arguments)


def test_the_exif_value_r03_means_adobe_rgb() -> None:
    source = open(jpeg(exif=adobe_rgb_by_exif()))
    assert source.facts.profile == "Adobe RGB (1998)"
    # Browsers ignore it; the values are Chromium's for a PNG with Adobe RGB's gamma and primaries.
    assert_chart(small(opened(source.render(Recipe.parse({"format": "png"})))), GAMMA_2_2, ADOBE_RGB, 4)
    for exif in (adobe_rgb_by_exif("R98"), b"Exif\0\0II*\0\xff\xff\xff\xff"):
        assert_chart(small(opened(render(jpeg(exif=exif)))), UNCHANGED, COLORS, 4)
    profiled = jpeg(exif=adobe_rgb_by_exif(), icc_profile=samples.display_p3())
    assert open(profiled).facts.profile == "Display P3"


SRGB_TABLE = tuple(
    round(65_535 * (v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4))
    for v in (i / 1023 for i in range(1024))
)


@pytest.mark.parametrize("name", ["Scanner 12", "uRGB", "Linear"])
@pytest.mark.parametrize("curve", [None, SRGB_TABLE], ids=["parametric", "sampled"])
def test_srgb_is_known_by_what_is_in_the_profile(name: str, curve: tuple[Any, ...] | None) -> None:
    result = render(saved(chart(), "PNG", icc_profile=samples.rgb_profile(name, curve=curve)))
    assert "color_converted" not in codes(result)
    assert_chart(opened(result), distance=0)


@pytest.mark.parametrize(
    "name", ["GIMP built-in Linear sRGB", "sRGB-elle-V2-g10.icc", "scRGB", "sRGB IEC61966-2.1"]
)
def test_a_linear_profile_is_linear_whatever_its_name(name: str) -> None:
    result = render(saved(chart(), "PNG", icc_profile=samples.rgb_profile(name, curve=(1.0,))))
    assert "color_converted" in codes(result)
    assert_chart(opened(result), LINEAR, IN_LINEAR)


@pytest.mark.parametrize("cut", [200, 260, 400])
def test_a_profile_that_ends_too_early_is_not_taken_for_srgb(cut: int) -> None:
    icc = samples.rgb_profile("sRGB", curve=SRGB_TABLE)
    damaged = icc[:-cut]
    result = render(saved(chart(), "PNG", icc_profile=damaged))
    assert codes(result) & {"profile_unusable", "color_converted"}


@pytest.mark.parametrize("name", ["sRGB", "DCI-P3 D65 Gamut with sRGB Transfer", "sRGB IEC61966-2.1", "c2"])
def test_display_p3_is_wide_whatever_its_name(name: str) -> None:
    result = render(saved(chart(), "PNG", icc_profile=samples.display_p3(name)))
    assert "color_converted" in codes(result)
    assert_chart(opened(result), UNCHANGED, DISPLAY_P3)


def test_a_grey_image_uses_the_curve_of_an_rgb_profile() -> None:
    for format, arguments in (("PNG", {}), ("TIFF", {}), ("JPEG", {"quality": 100})):
        image = tiled_chart().convert("L")
        result = opened(render(saved(image, format, icc_profile=LINEAR_SRGB, **arguments)))
        assert result.mode == "L"
        assert_chart(small(result), LINEAR, None, 8 if format == "JPEG" else 1)


GRAY = samples.gray_gamma(1.8)


@pytest.mark.parametrize(
    "recipe",
    [
        {"format": "webp", "lossless": True},
        {"format": "png", "resize": {"mode": "pad", "width": 40, "height": 40}, "background": "#ff0000"},
        {"format": "png", "watermark": {"text": "mine"}},
        {"format": "jpeg", "watermark": {"text": "mine"}},
    ],
)
def test_a_grey_profile_is_never_applied_to_colours(recipe: dict[str, Any]) -> None:
    grey = saved(Image.new("L", (64, 64), 128), "PNG", icc_profile=GRAY)
    result, image = at_once(grey, color="keep", **recipe)
    profile = image.info.get("icc_profile", b"")
    assert (profile[16:20] == b"GRAY") <= (image.mode in ("L", "LA"))
    if image.mode not in ("L", "LA"):
        assert not profile
        assert {"profile_not_fitting", "color_converted"} <= codes(result)
        assert "profile_kept" not in codes(result)


def test_a_grey_profile_with_the_curve_of_srgb_changes_nothing() -> None:
    icc = samples.gray_profile(curve=None)
    result = render(saved(chart("L"), "PNG", icc_profile=icc))
    assert "color_converted" not in codes(result)
    assert_chart(opened(result), UNCHANGED, None, 0)


def test_a_grey_profile_stays_with_greys() -> None:
    grey = saved(Image.new("L", (64, 64), 128), "PNG", icc_profile=GRAY)
    for target in ("png", "jpeg", "tiff", "avif"):
        result, image = at_once(grey, color="keep", format=target)
        assert (image.mode, image.info["icc_profile"]) == ("L", GRAY)
        assert "profile_kept" in codes(result)


def test_a_grey_profile_fits_grey_with_alpha_of_an_avif() -> None:
    data = saved(Image.new("LA", (64, 64), (128, 200)), "AVIF", subsampling="4:0:0", icc_profile=GRAY)
    result, image = at_once(data)
    assert "color_converted" in codes(result)
    assert image.mode == "LA"


def test_pages_of_different_profiles_all_become_srgb() -> None:
    wide = chart()
    wide.info["icc_profile"] = samples.display_p3()
    pages = saved(wide, "TIFF", save_all=True, append_images=[chart()])
    result, image = at_once(pages, color="keep", format="tiff")
    assert {"profile_not_fitting", "color_converted"} <= codes(result)
    for page, colors in enumerate((DISPLAY_P3, COLORS)):
        image.seek(page)
        assert "icc_profile" not in image.info
        assert_chart(image, UNCHANGED, colors)


@pytest.mark.parametrize(
    ("data", "name", "colors"),
    [
        (png(cicp(12, 13)), "Display P3", DISPLAY_P3),
        (png(gamma(45_455), points(P3_POINTS)), "gamma 2.2", P3_GAMMA_2_2),
        (jpeg(exif=adobe_rgb_by_exif()), "Adobe RGB (1998)", ADOBE_RGB),
    ],
)
def test_colours_described_without_a_profile_can_be_kept_with_one(
    data: bytes, name: str, colors: list[tuple[int, int, int]]
) -> None:
    result, image = at_once(data, color="keep")
    assert {"profile": name} in [note.params for note in result.report.notes if note.code == "profile_kept"]
    assert is_near(pixel(small(image), (0, 1)), COLORS[0], 4)
    again = opened(render(result.data))
    assert is_near(pixel(small(again), (0, 1)), colors[0], 4)


def exif_of(result: Result) -> dict[Any, Any]:
    block = Image.Exif()
    block.load(opened(result).info["exif"])
    return block.get_ifd(0x8769)


XMP_COLORS = samples.XMP.replace(
    b"<photoshop:Country>",
    b"<exif:ColorSpace>65535</exif:ColorSpace><photoshop:ICCProfile>Adobe RGB (1998)</photoshop:ICCProfile><photoshop:Country>",
)


@pytest.mark.parametrize("target", ["jpeg", "webp", "tiff", "png"])
def test_after_conversion_all_tags_say_srgb(target: str) -> None:
    data = jpeg(exif=adobe_rgb_by_exif(), xmp=XMP_COLORS)
    result = render(data, format=target, metadata="keep")
    tags = exif_of(result) if target != "tiff" else opened(result).getexif().get_ifd(0x8769)
    assert tags[0xA001] == 1
    assert not tags.keys() & {0xA500, 0xA005}
    assert b"<exif:ColorSpace>1<" in result.data
    assert b"<photoshop:ICCProfile>sRGB IEC61966-2.1<" in result.data
    kept = render(data, format=target, metadata="keep", color="keep")
    tags = exif_of(kept) if target != "tiff" else opened(kept).getexif().get_ifd(0x8769)
    assert tags[0xA001] == 65_535
    assert b"<exif:ColorSpace>65535<" in kept.data
