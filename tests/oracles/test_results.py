"""Chromium shows what the engine writes, in the colours of the source."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from PIL import Image

from tests.browser import chromium
from tests.engine import samples
from tests.engine.rendering import render

from .chromium import Chromium

pytestmark = [pytest.mark.slow, pytest.mark.browser]

NEAR = 4


@pytest.fixture(scope="module")
def browser() -> Iterator[Chromium]:
    with chromium() as opened:
        yield Chromium(opened)


@pytest.mark.parametrize("target", ["jpeg", "png", "webp", "avif"])
@pytest.mark.parametrize("curve", [None, (1.0,), (2.6,)], ids=["sRGB", "linear", "steep"])
@pytest.mark.parametrize("color", ["keep", "srgb"])
def test_grey_with_a_profile_is_shown(
    browser: Chromium, target: str, curve: tuple[float] | None, color: str
) -> None:
    ramp = Image.linear_gradient("L").resize((96, 64))
    source = samples.saved(ramp, "PNG", icc_profile=samples.gray_profile(curve))
    wanted = browser.still(source, "png").astype(int)
    quality = {"quality": 95} if target in ("jpeg", "avif") else {}
    result = render(source, format=target, color=color, **quality)
    found = browser.still(result.data, {"jpeg": "jpg"}.get(target, target))
    assert np.abs(found - wanted).mean() <= NEAR


def test_grey_frames_are_shown(browser: Chromium) -> None:
    frames = [Image.new("L", (64, 48), level) for level in (20, 130, 240)]
    source = samples.saved(frames[0], "GIF", save_all=True, append_images=frames[1:], duration=100)
    result = render(source, format="avif")
    shown = [int(pixels[24, 32, 0]) for pixels, _ in browser.frames(result.data, "avif")]
    assert np.abs(np.array(shown) - (20, 130, 240)).max() <= NEAR
