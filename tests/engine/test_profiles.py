"""Profiles are applied, kept or dropped, and this is reported."""

from __future__ import annotations

from typing import Any

import pytest
from PIL import Image, ImageCms

from tests.engine.rendering import READ_BACK, codes, render
from tests.engine.samples import pixel

from . import samples
from .samples import is_near, opened, saved

P3_RED = saved(Image.new("RGB", (16, 16), (241, 0, 0)), "PNG", icc_profile=samples.display_p3())


def test_display_p3_is_converted_to_srgb_and_said() -> None:
    for target in ("png", "jpeg", "webp", "gif"):
        result = render(P3_RED, format=target)
        assert is_near(pixel(opened(result).convert("RGB"), (8, 8)), (255, 0, 0), 4), target
        assert "icc_profile" not in opened(result).info
        note = next(note for note in result.report.notes if note.code == "color_converted")
        assert note.text == "Colours converted from Display P3 to sRGB"


@pytest.mark.parametrize("target", ["png", "jpeg", "webp", "avif", "tiff"])
def test_a_profile_can_be_kept(target: str) -> None:
    result = render(P3_RED, format=target, color="keep")
    image = opened(result)
    assert image.info["icc_profile"] == samples.display_p3()
    assert is_near(pixel(image.convert("RGB"), (8, 8)), (241, 0, 0), 4)
    assert "profile_kept" in codes(result)


@pytest.mark.parametrize("target", ["gif", "bmp", "jp2", "ico"])
def test_a_profile_that_the_format_cannot_hold_is_applied_instead(target: str) -> None:
    result = render(P3_RED, format=target, color="keep")
    assert is_near(pixel(opened(result).convert("RGB"), (8, 8)), (255, 0, 0), 6)
    assert {"profile_not_kept", "color_converted"} <= codes(result)


def test_an_srgb_profile_needs_no_conversion() -> None:
    result = render(saved(samples.quarters(), "PNG", icc_profile=samples.srgb_profile()))
    assert "color_converted" not in codes(result)
    assert "icc_profile" not in opened(result).info


def test_a_grey_profile_changes_the_brightness_and_stays_grey() -> None:
    for mode in ("L", "LA"):
        gray = Image.new("L", (8, 8), 128).convert(mode)
        if mode == "LA":
            gray.putalpha(200)
        image = opened(render(saved(gray, "PNG", icc_profile=samples.gray_gamma(1.0))))
        assert image.mode == mode
        assert abs(pixel(image.getchannel(0), (4, 4)) - 188) <= 2
        if mode == "LA":
            assert image.getchannel(1).getpixel((4, 4)) == 200


def test_a_grey_picture_with_an_rgb_profile_is_left_alone() -> None:
    gray = saved(Image.new("L", (8, 8), 128), "PNG", icc_profile=samples.display_p3())
    result = render(gray)
    assert opened(result).getpixel((4, 4)) == 128
    assert "profile_unusable" not in codes(result)


def test_a_broken_profile_is_dropped_and_said() -> None:
    for broken in (b"not a profile", samples.display_p3()[:200], samples.gray_gamma()):
        result = render(saved(samples.quarters(), "PNG", icc_profile=broken), color="keep")
        assert samples.looks_like_quarters(opened(result))
        assert "profile_unusable" in codes(result)
        assert "icc_profile" not in opened(result).info


def test_cmyk_becomes_rgb() -> None:
    cmyk = saved(samples.quarters().convert("CMYK"), "JPEG", quality=95)
    for target in READ_BACK:
        result = render(cmyk, format=target)
        assert opened(result).mode not in ("CMYK",)
        assert "cmyk_without_profile" in codes(result)
    assert samples.looks_like_quarters(opened(render(cmyk)), 25)


def test_lab_becomes_rgb() -> None:
    srgb, lab = ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB")
    image = ImageCms.profileToProfile(samples.quarters(), srgb, lab, outputMode="LAB")
    assert image
    assert samples.looks_like_quarters(opened(render(saved(image, "TIFF"))), 15)


def test_a_profile_that_fits_but_cannot_be_used_is_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*args: Any, **kwargs: Any) -> None:
        raise ImageCms.PyCMSError("cannot build transform")

    monkeypatch.setattr(ImageCms, "profileToProfile", fail)
    result = render(P3_RED)
    assert "profile_unusable" in codes(result)
    assert is_near(pixel(opened(result).convert("RGB"), (8, 8)), (241, 0, 0))
