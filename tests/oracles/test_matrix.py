"""The engine decodes each file as independent programs do, or reports that it cannot read it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from converter.engine import EngineError, Recipe
from converter.engine.raster import convert
from tests.browser import chromium

from . import animations, bmps, icons, jp2s, lossy, pngs, tiffs
from .case import Case, Rgba, distance
from .chromium import Chromium
from .exceptions import EXCEPTIONS, excused
from .witnesses import WITNESSES, Unread, Witness

pytestmark = [pytest.mark.slow, pytest.mark.browser, pytest.mark.filterwarnings("ignore")]

FAMILIES: Mapping[str, tuple[Callable[[], Iterator[Case]], str]] = {
    "avif": (lossy.avifs, "avif"),
    "heic": (lossy.heics, "heic"),
    "jpeg": (lossy.jpegs, "jpg"),
    "bmp": (bmps.cases, "bmp"),
    "ico": (icons.cases, "ico"),
    "jp2": (jp2s.cases, "jp2"),
    "png": (pngs.cases, "png"),
    "tiff": (tiffs.cases, "tif"),
}
AT_LEAST = 1500
PARTS = 4
"""Number of parallel tests for each family."""


def seen(case: Case) -> Rgba | None:
    """Return the decoded image, or None if its kind is refused, the only error allowed."""
    (result,) = convert(case.data, Recipe.parse({"format": "png", "depth": 8}))
    if isinstance(result, EngineError):
        assert result.code == "unsupported_variant", f"{case.name}: {result}"
        return None
    return np.asarray(Image.open(BytesIO(result.data)).convert("RGBA"))


@pytest.fixture(scope="module")
def witnesses() -> Iterator[Mapping[str, Witness]]:
    with chromium() as browser:
        yield {**WITNESSES, "chromium": Chromium(browser).still}


def judged(case: Case, suffix: str, witnesses: Mapping[str, Witness]) -> tuple[list[str], list[str]]:
    """Return the witnesses that agree, and the differences of the others."""
    ours = seen(case)
    if ours is None:
        return ["refused"], []
    agree, differ = [], []
    for name in case.witnesses:
        try:
            apart = distance(ours, witnesses[name](case.data, suffix))
        except Unread:
            continue
        if apart <= case.within:
            agree.append(name)
        elif not excused(case.name, name):
            differ.append(f"{case.name}: {name} is {apart} away")
    return agree, differ


@pytest.mark.parametrize("part", range(PARTS))
@pytest.mark.parametrize("family", FAMILIES)
def test_every_file_looks_as_in_other_programs(
    witnesses: Mapping[str, Witness], family: str, part: int
) -> None:
    make, suffix = FAMILIES[family]
    wrong, unjudged = [], []
    for number, case in enumerate(make()):
        if number % PARTS == part:
            agree, differ = judged(case, suffix, witnesses)
            wrong += differ
            unjudged += [] if agree or differ else [case.name]
    assert not wrong
    assert not unjudged, "no witness could read these"


def test_the_list_of_exceptions_is_short() -> None:
    assert len(EXCEPTIONS) <= 15


def test_the_matrix_is_large() -> None:
    files = sum(1 for make, _ in FAMILIES.values() for _case in make())
    assert files + sum(1 for _ in animations.cases()) >= AT_LEAST
