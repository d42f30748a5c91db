"""What the engine sees in a file is what independent programs see in it, or it says that it cannot read it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from converter.engine import EngineError, Recipe
from converter.engine.raster import convert

from . import tiffs
from .case import Case, Rgba
from .exceptions import EXCEPTIONS, excused
from .witnesses import WITNESSES, Unread

pytestmark = [pytest.mark.slow, pytest.mark.system, pytest.mark.filterwarnings("ignore")]

_CLEAR = 8
"""Below this alpha, of 255, colours are too rounded to be compared."""

FAMILIES: Mapping[str, tuple[Callable[[], Iterator[Case]], str]] = {"tiff": (tiffs.cases, "tif")}
PARTS = 4
"""So many tests each family is cut into, which run in parallel."""


def seen(case: Case) -> Rgba | None:
    """Return what the engine sees; None where it refuses the kind, which is the only error allowed."""
    (result,) = convert(case.data, Recipe.parse({"format": "png"}))
    if isinstance(result, EngineError):
        assert result.code == "unsupported_variant", f"{case.name}: {result}"
        return None
    return np.asarray(Image.open(BytesIO(result.data)).convert("RGBA"))


def distance(ours: Rgba, other: Rgba) -> int:
    """Return the largest difference of a sample; of colours, where there is something to be seen."""
    if ours.shape != other.shape:
        return 255
    apart = np.abs(ours.astype(int) - other.astype(int))
    visible = np.minimum(ours[..., 3], other[..., 3]) > _CLEAR
    return int(max(apart[..., 3].max(), apart[visible].max(initial=0)))


def judged(case: Case, suffix: str) -> tuple[list[str], list[str]]:
    """Return the witnesses that agree, and what those say that do not."""
    ours = seen(case)
    if ours is None:
        return ["refused"], []
    agree, differ = [], []
    for name in case.witnesses:
        try:
            apart = distance(ours, WITNESSES[name](case.data, suffix))
        except Unread:
            continue
        if apart <= case.within:
            agree.append(name)
        elif not excused(case.name, name):
            differ.append(f"{case.name}: {name} is {apart} away")
    return agree, differ


@pytest.mark.parametrize("part", range(PARTS))
@pytest.mark.parametrize("family", FAMILIES)
def test_every_file_is_seen_as_other_programs_see_it(family: str, part: int) -> None:
    make, suffix = FAMILIES[family]
    wrong, unjudged = [], []
    for number, case in enumerate(make()):
        if number % PARTS == part:
            agree, differ = judged(case, suffix)
            wrong += differ
            unjudged += [] if agree or differ else [case.name]
    assert not wrong
    assert not unjudged, "no witness could read these"


def test_the_list_of_exceptions_is_short() -> None:
    assert len(EXCEPTIONS) <= 15
