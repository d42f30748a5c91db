"""Every frame of an animation has the pixels and duration that Chromium shows."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from converter.engine import Recipe
from converter.engine.limits import DEFAULT_LIMITS, Deadline
from converter.engine.raster import open
from converter.engine.raster.decode import decode, open_data
from tests.browser import chromium
from tests.engine import moving

from . import animations
from .case import Rgba, distance
from .chromium import Chromium
from .exceptions import excused

pytestmark = [pytest.mark.slow, pytest.mark.browser, pytest.mark.filterwarnings("ignore")]


@pytest.fixture(scope="module")
def witness() -> Iterator[Chromium]:
    with chromium() as browser:
        yield Chromium(browser)


def frames(data: bytes) -> list[tuple[Rgba, int]]:
    """Return each decoded frame, with its duration in milliseconds."""
    opened = open_data(data, DEFAULT_LIMITS)
    pictures = decode(opened, DEFAULT_LIMITS, 1, range(opened.facts.frames), Deadline(60))
    return [
        (np.asarray(picture.frame.image.convert("RGBA")), picture.frame.duration) for _, picture in pictures
    ]


def test_every_frame_is_what_a_browser_shows(witness: Chromium) -> None:
    wrong = []
    for suffix, case in animations.cases():
        ours, theirs = frames(case.data), witness.frames(case.data, suffix)
        if [delay for _, delay in ours] != [delay for _, delay in theirs]:
            wrong.append(f"{case.name}: other delays")
        for number, ((first, _), (second, _)) in enumerate(zip(ours, theirs, strict=False)):
            apart = distance(first, second)
            if apart > case.within and not excused(case.name, "chromium"):
                wrong.append(f"{case.name}: frame {number} is {apart} away")
    assert not wrong


def test_every_gif_that_is_written_shows_what_it_was_made_from(witness: Chromium) -> None:
    wrong = []
    for name in moving.ALL:
        source = moving.gif(name)
        written = open(source).render(Recipe.parse({"format": "gif"})).data
        before, after = witness.frames(source, "gif"), witness.frames(written, "gif")
        if [delay for _, delay in before] != [delay for _, delay in after]:
            wrong.append(f"{name}: other delays")
        for number, ((first, _), (second, _)) in enumerate(zip(before, after, strict=False)):
            if distance(first, second):
                wrong.append(f"{name}: frame {number}")
    assert not wrong


def test_every_avif_that_is_written_has_the_colours_it_was_made_from(witness: Chromium) -> None:
    wrong = []
    for name in moving.ALL:
        source = moving.gif(name)
        written = open(source).render(Recipe.parse({"format": "avif", "quality": 97})).data
        before, after = witness.frames(source, "gif"), witness.frames(written, "avif")
        for number, ((first, _), (second, _)) in enumerate(zip(before, after, strict=False)):
            apart = np.abs(first.astype(float) - second)[first[..., 3] == 255].mean()
            if apart > 2:
                wrong.append(f"{name}: frame {number} is {apart} away")
    assert not wrong
