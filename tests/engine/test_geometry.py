from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from converter.engine import Resize
from converter.engine.raster.geometry import layout, turned_box


@pytest.mark.parametrize(
    ("resize", "source", "size", "canvas"),
    [
        (Resize("fit", None, 1600, 1600), (4000, 3000), (1600, 1200), (1600, 1200)),
        (Resize("fit", None, 320), (4000, 3000), (320, 240), (320, 240)),
        (Resize("fit", None, None, 300), (4000, 3000), (400, 300), (400, 300)),
        (Resize("fit", None, 320, 320), (2725, 2225), (320, 261), (320, 261)),
        (Resize("fit", None, 9000), (400, 300), (400, 300), (400, 300)),
        (Resize("fit", None, 800, enlarge=True), (400, 300), (800, 600), (800, 600)),
        (Resize("fill", None, 300, 50), (200, 100), (200, 50), (200, 50)),
        (Resize("fill", None, 300, 300), (200, 100), (200, 100), (200, 100)),
        (Resize("fill", None, 3000, 1000), (2725, 2225), (2725, 1000), (2725, 1000)),
        (Resize("fill", None, 300, 50, enlarge=True), (200, 100), (300, 50), (300, 50)),
        (Resize("fill", None, 100, 100), (400, 300), (100, 100), (100, 100)),
        (Resize("pad", None, 500, 500), (400, 200), (400, 200), (500, 500)),
        (Resize("pad", None, 500, 500, border=20), (400, 200), (300, 150), (500, 500)),
        (Resize("pad", None, 100, 100, enlarge=True, border=25), (10, 20), (25, 50), (100, 100)),
        (Resize("pad", None, 100, 100), (400, 200), (100, 50), (100, 100)),
        (Resize("stretch", None, 100, 100), (400, 200), (100, 100), (100, 100)),
        (Resize("stretch", None, 800, 100), (400, 200), (400, 100), (400, 100)),
        (Resize("stretch", None, 800, 100, enlarge=True), (400, 200), (800, 100), (800, 100)),
        (Resize("fit", None, 1), (5000, 3), (1, 1), (1, 1)),
        (Resize(scale=50), (401, 300), (201, 150), (201, 150)),
        (Resize(scale=200, enlarge=True), (40, 30), (80, 60), (80, 60)),
    ],
)
def test_sizes_of_every_mode(
    resize: Resize, source: tuple[int, int], size: tuple[int, int], canvas: tuple[int, int]
) -> None:
    plan = layout(resize, *source)
    assert (plan.size, plan.canvas) == (size, canvas)


def test_filling_keeps_the_part_that_gravity_names() -> None:
    assert layout(Resize("fill", None, 100, 100, gravity="left"), 400, 100).box == (0, 0, 100, 100)
    assert layout(Resize("fill", None, 100, 100, gravity="right"), 400, 100).box == (300, 0, 400, 100)
    assert layout(Resize("fill", None, 100, 100), 400, 100).box == (150, 0, 250, 100)
    assert layout(Resize("fill", None, 100, 100, gravity="bottom_left"), 100, 400).box == (0, 300, 100, 400)


SIDE = st.integers(1, 3000)
RESIZES = st.builds(
    Resize,
    mode=st.sampled_from(["fit", "fill", "pad", "stretch"]),
    width=SIDE,
    height=SIDE | st.none(),
    enlarge=st.booleans(),
    gravity=st.sampled_from(["center", "top", "bottom_right"]),
)


@pytest.mark.parametrize(
    ("gravity", "offset"), [("center", (100, 175)), ("top_left", (100, 100)), ("bottom", (100, 250))]
)
def test_a_padded_picture_stays_within_the_border(gravity: Any, offset: Any) -> None:
    wanted = Resize("pad", None, 500, 500, border=20, gravity=gravity)
    assert layout(wanted, 400, 200).offset == offset


@pytest.mark.long
@given(RESIZES, SIDE, SIDE)
@settings(max_examples=500, deadline=None)
def test_sizes_match_the_requested_ones(resize: Any, width: Any, height: Any) -> None:
    plan = layout(resize, width, height)
    left, top, right, bottom = plan.box
    assert 0 <= left < right <= width + 1e-6
    assert 0 <= top < bottom <= height + 1e-6
    assert plan.size[0] <= plan.canvas[0]
    assert plan.size[1] <= plan.canvas[1]
    if resize.height:
        assert plan.size[0] <= resize.width
        assert plan.size[1] <= resize.height
    if resize.mode == "pad" and resize.height:
        assert plan.canvas == (resize.width, resize.height)
    if not resize.enlarge:
        assert plan.size[0] <= width
        assert plan.size[1] <= height
    if resize.mode == "fit" and resize.enlarge and resize.height:
        assert resize.width == plan.size[0] or resize.height == plan.size[1]
    if resize.mode == "stretch" and resize.enlarge and resize.height:
        assert plan.size == (resize.width, resize.height)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_box_turns_as_its_picture_does(orientation: int) -> None:
    from PIL import Image

    from converter.engine.raster.steps import Frame, upright

    image = Image.new("L", (40, 30))
    image.paste(255, (5, 3, 17, 9))
    turned = upright(Frame.whole(image), orientation).image
    assert turned.getbbox() == turned_box((5, 3, 17, 9), (40, 30), orientation)
