"""Colours are decoded as the file specifies them, in any way that its format allows.

Unless another reference is named, the expected values are those of Chromium's canvas in sRGB (version
156)."""

from __future__ import annotations

import pytest

from tests.engine.color_charts import (
    BT_2020,
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
    chart,
    cicp,
    embedded,
    gamma,
    png,
    points,
)
from tests.engine.rendering import codes, render

from .samples import opened

GAMMA_1_8 = [0, 0, 2, 20, 43, 81, 115, 146, 176, 203, 230, 255]


GAMMA_2_4 = [0, 0, 0, 4, 20, 54, 87, 121, 155, 189, 222, 255]


GAMMA_2_8 = [0, 0, 0, 1, 10, 40, 72, 106, 142, 179, 217, 255]


SMPTE_240 = [0, 3, 13, 34, 50, 81, 112, 141, 170, 199, 228, 255]


CINEMA = [0, 0, 0, 3, 15, 48, 83, 118, 154, 191, 228, 255]


SRGB_POINTS = (31270, 32900, 64000, 33000, 30000, 60000, 15000, 6000)


@pytest.mark.parametrize(
    ("chunks", "greys", "colors"),
    [
        pytest.param([gamma(100_000)], LINEAR, IN_LINEAR, id="gamma alone"),
        pytest.param([gamma(55_556)], GAMMA_1_8, None, id="gamma of old Macintoshes"),
        pytest.param([gamma(45_455)], UNCHANGED, COLORS, id="gamma of a screen"),
        pytest.param([gamma(44_000)], UNCHANGED, COLORS, id="gamma nearly of a screen"),
        pytest.param([gamma(45_455), points(SRGB_POINTS)], GAMMA_2_2, None, id="gamma and primaries"),
        pytest.param([gamma(45_455), points(P3_POINTS)], GAMMA_2_2, P3_GAMMA_2_2, id="wide primaries"),
        pytest.param([points(P3_POINTS)], UNCHANGED, COLORS, id="primaries alone"),
        pytest.param([gamma(100_000), (b"sRGB", b"\0")], UNCHANGED, COLORS, id="sRGB before gamma"),
        pytest.param([cicp(12, 13)], UNCHANGED, DISPLAY_P3, id="cICP"),
        pytest.param([cicp(12, 13), (b"sRGB", b"\0")], UNCHANGED, DISPLAY_P3, id="cICP before sRGB"),
        pytest.param([cicp(12, 13), embedded(LINEAR_SRGB)], UNCHANGED, DISPLAY_P3, id="cICP before ICC"),
        pytest.param(
            [gamma(45_455), points(P3_POINTS), embedded(LINEAR_SRGB)],
            LINEAR,
            IN_LINEAR,
            id="ICC before gamma",
        ),
        pytest.param([cicp(1, 12), gamma(100_000)], LINEAR, IN_LINEAR, id="unknown code points"),
        pytest.param([cicp(12, 13, 0, 0)], UNCHANGED, COLORS, id="cICP of video"),
        pytest.param([gamma(0)], UNCHANGED, COLORS, id="no gamma at all"),
        pytest.param([gamma(45_455), points((0,) * 8)], UNCHANGED, COLORS, id="no primaries at all"),
    ],
)
def test_a_png_has_the_colours_of_its_chunks(
    chunks: list[tuple[bytes, bytes]], greys: list[int], colors: list[tuple[int, int, int]] | None
) -> None:
    result = render(png(*chunks))
    assert_chart(opened(result), greys, colors)
    assert ("color_converted" in codes(result)) == ((greys, colors) != (UNCHANGED, COLORS))
    assert not opened(result).info.keys() & {"gamma", "chromaticity", "icc_profile"}
    assert b"cICP" not in result.data


@pytest.mark.parametrize("chunks", [[gamma(100_000)], [gamma(100_000), points(SRGB_POINTS)], [cicp(1, 8)]])
@pytest.mark.parametrize("mode", ["L", "LA"])
def test_a_grey_png_has_them_too_and_stays_grey(chunks: list[tuple[bytes, bytes]], mode: str) -> None:
    image = chart(mode)
    if mode == "LA":
        image.putpixel((11, 1), (0, 7))
    result = opened(render(png(*chunks, image=image)))
    assert result.mode == mode
    assert_chart(result, LINEAR, None)
    if mode == "LA":
        assert result.getpixel((11, 1)) == (0, 7)


@pytest.mark.parametrize(
    ("transfer", "greys"),
    [
        (1, GAMMA_2_4),
        (4, GAMMA_2_2),
        (5, GAMMA_2_8),
        (6, GAMMA_2_4),
        (7, SMPTE_240),
        (8, LINEAR),
        (9, UNCHANGED),
        (13, UNCHANGED),
        (14, GAMMA_2_4),
        (17, CINEMA),
        (2, UNCHANGED),
    ],
)
def test_code_points_tell_the_curve(transfer: int, greys: list[int]) -> None:
    assert_chart(opened(render(png(cicp(1, transfer)))), greys, None)


@pytest.mark.parametrize(
    ("primaries", "colors"),
    [
        (4, [(237, 19, 0), (0, 196, 0), (0, 65, 206), (214, 174, 29), (246, 168, 135)]),
        (5, [(204, 40, 30), (0, 200, 46), (40, 30, 199), (201, 180, 63), (226, 172, 140)]),
        (6, [(195, 49, 29), (57, 197, 37), (45, 41, 201), (198, 179, 58), (221, 173, 140)]),
        (8, [(227, 0, 1), (0, 206, 0), (39, 7, 207), (207, 180, 23), (239, 170, 135)]),
        (9, BT_2020),
        (10, [(255, 0, 61), (0, 255, 0), (0, 46, 213), (255, 153, 0), (255, 78, 140)]),
        (11, [(213, 0, 7), (0, 204, 0), (40, 26, 208), (203, 179, 11), (231, 170, 135)]),
        (12, DISPLAY_P3),
        (22, [(202, 50, 29), (0, 195, 39), (41, 50, 200), (200, 178, 59), (225, 172, 140)]),
        (2, COLORS),
    ],
)
def test_code_points_tell_the_primaries(primaries: int, colors: list[tuple[int, int, int]]) -> None:
    assert_chart(opened(render(png(cicp(primaries, 13)))), UNCHANGED, colors)
