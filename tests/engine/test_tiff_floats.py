"""Floating-point TIFFs: what is white in them, and what has no value."""

from __future__ import annotations

import struct
from io import BytesIO
from typing import Any

import numpy as np
import pytest
import tifffile

from converter.engine import Recipe
from converter.engine.raster import open

from . import samples
from .tiff_ramps import RAMP, SIZE, assert_near, pixels


@pytest.mark.parametrize("odd", [float("nan"), float("inf"), 3.4e38, float("-inf")])
def test_one_extreme_value_does_not_blacken_the_rest_and_the_scale_is_reported(odd: float) -> None:
    body = struct.pack("<64f", odd, *(2000 * value for value in RAMP[1:]))
    data = samples.tiff(SIZE, body, {258: 32, 262: 1, 277: 1, 339: 3})
    assert_near(pixels(data, "L")[1:], [round(255 * value) for value in RAMP[1:]])
    notes = open(data).render(Recipe.parse({"format": "png"})).report.notes
    assert [note.params["white"] for note in notes if note.code == "floats_scaled"] == [2000]


@pytest.mark.parametrize("marker", [3.4028234663852886e38, 1e30])
def test_areas_without_measurements_do_not_blacken_the_rest(marker: float) -> None:
    body = struct.pack("<64f", *[marker] * 32, *(2000 * value for value in RAMP[32:]))
    data = samples.tiff(SIZE, body, {258: 32, 262: 1, 277: 1, 339: 3})
    assert_near(pixels(data, "L")[32:], [round(255 * value) for value in RAMP[32:]])


@pytest.mark.parametrize(("odd", "shown"), [("inf", 255), ("-inf", 0), ("nan", 0)])
@pytest.mark.parametrize("first", [False, True])
def test_infinity_is_white_and_nan_is_black(odd: str, shown: int, first: bool) -> None:
    values = [*RAMP[:32], *(32 * [float(odd)])]
    wanted = [*(round(255 * value) for value in RAMP[:32]), *(32 * [shown])]
    if first:
        values[0], wanted[0] = float("nan"), 0
    data = samples.tiff(SIZE, struct.pack("<64f", *values), {258: 32, 262: 1, 277: 1, 339: 3})
    assert_near(pixels(data, "L"), wanted)


def stack(*pages: Any) -> bytes:
    file = BytesIO()
    with tifffile.TiffWriter(file) as writer:
        for page in pages:
            writer.write(page, photometric="rgb" if page.ndim == 3 else "minisblack")
    return file.getvalue()


def shown_pages(data: bytes, **recipe: Any) -> list[Any]:
    result = open(data).render(Recipe.parse({"format": "tiff", **recipe}))
    with tifffile.TiffFile(BytesIO(result.data)) as file:
        return [page.asarray() for page in file.pages]


@pytest.mark.parametrize("channels", [1, 3])
def test_pages_in_floating_point_share_one_white(channels: int) -> None:
    ramp = np.array(RAMP, np.float32).reshape(8, 8)
    ramp = np.stack([ramp] * channels, axis=2) if channels > 1 else ramp
    dim, middle, bright = shown_pages(stack(ramp * 10, ramp * 100, ramp * 200))
    for page, share in ((dim, 0.05), (middle, 0.5), (bright, 1)):
        assert np.abs(page.astype(float) - ramp * share * 65_535).max() <= 1
    first, last = shown_pages(stack(ramp * 10, ramp * 100, ramp * 200), pages="1,3", depth=8)
    assert np.abs(first - ramp * 0.05 * 255).max() <= 1
    assert np.abs(last - ramp * 255).max() <= 1
    (alone,) = shown_pages(stack(ramp * 10, ramp * 100, ramp * 200), pages="1")
    assert np.array_equal(alone, dim)


def test_pages_in_floating_point_are_the_same_beside_other_outputs() -> None:
    ramp = np.array(RAMP, np.float32).reshape(8, 8)
    data, png, tiff = stack(ramp * 10, ramp * 200), Recipe.parse({"format": "png"}), {"format": "tiff"}
    (alone,) = samples.render_all(data, png)
    beside, _ = samples.render_all(data, png, Recipe.parse(tiff))
    assert alone.data == beside.data


def test_a_page_is_shown_though_a_later_one_is_damaged() -> None:
    ramp = np.array(RAMP, np.float32).reshape(8, 8)
    (shown,) = shown_pages(stack(ramp, ramp)[:-40], pages="1")
    assert np.abs(shown.astype(float) - ramp * 65_535).max() <= 1


def test_pages_of_another_kind_have_a_white_of_their_own() -> None:
    ramp = np.array(RAMP, np.float32).reshape(8, 8)
    photo, depths, plain = shown_pages(
        stack(np.stack([ramp] * 3, axis=2), ramp * 5000, (ramp * 255).astype(np.uint8))
    )
    assert np.abs(photo.astype(float) - np.stack([ramp] * 3, axis=2) * 65_535).max() <= 1
    assert np.abs(depths.astype(float) - ramp * 65_535).max() <= 1
    assert np.array_equal(plain // 257 if plain.dtype == np.uint16 else plain, (ramp * 255).astype(np.uint8))


@pytest.mark.parametrize("most", [0.0099, 0.0004, 1e-12])
@pytest.mark.parametrize("colors", [1, 3])
def test_faint_measurements_are_scaled_and_reported(most: float, colors: int) -> None:
    body = struct.pack(f"<{64 * colors}f", *(most * value for value in RAMP for _ in range(colors)))
    tags = {258: [32] * colors, 262: 1 if colors == 1 else 2, 277: colors, 339: [3] * colors}
    data = samples.tiff(SIZE, body, tags)
    found = pixels(data, "RGB")
    assert_near([pixel[0] for pixel in found], [round(255 * value) for value in RAMP])
    (note,) = [
        note
        for note in open(data).render(Recipe.parse({"format": "png"})).report.notes
        if note.code == "floats_scaled"
    ]
    assert note.params["kind"] == "faint"
    assert note.params["white"] == pytest.approx(most, rel=1e-6)


@pytest.mark.parametrize("most", [0.0, 0.011, 0.5, 1.0])
def test_dark_floating_point_values_stay_dark(most: float) -> None:
    body = struct.pack("<64f", *(most * value for value in RAMP))
    data = samples.tiff(SIZE, body, {258: 32, 262: 1, 277: 1, 339: 3})
    assert_near(pixels(data, "L"), [int(255 * most * value) for value in RAMP])


def test_bright_premultiplied_colours_are_scaled_and_not_cut_off() -> None:
    values = [(4 * value * 0.5, 2 * value * 0.5, 0.0, 0.5) for value in RAMP]
    body = struct.pack("<256f", *(sample for pixel in values for sample in pixel))
    data = samples.tiff(SIZE, body, {258: [32] * 4, 262: 2, 277: 4, 338: 1, 339: [3] * 4})
    found = pixels(data, "RGBA")
    # The brightest colour that the file stores, 2, is white; it is divided by its alpha up to there.
    assert_near([pixel[1] for pixel in found], [round(255 * value) for value in RAMP])
    assert {pixel[3] for pixel in found} == {128}
