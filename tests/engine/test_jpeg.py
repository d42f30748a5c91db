"""What a JPEG may claim of itself, and what is too much."""

from __future__ import annotations

import pytest
from PIL import Image

from converter.engine import Corrupt, Recipe
from converter.engine.raster import open

from . import samples

PNG = Recipe.parse({"format": "png"})


@pytest.mark.parametrize("progressive", [False, True])
def test_the_emptiest_jpeg_is_no_lie(progressive: bool) -> None:
    data = samples.saved(Image.new("L", (4000, 3000), 128), "JPEG", progressive=progressive, optimize=True)
    assert open(data).render(PNG).width == 4000


def test_a_jpeg_of_ten_thousand_scans_is_refused_before_it_is_decoded() -> None:
    data = samples.saved(samples.photo((64, 64)), "JPEG", progressive=True)
    at = data.rindex(b"\xff\xda")
    scan = data[at:-2]
    honest = data[:at] + scan * 20 + data[-2:]
    hostile = data[:at] + scan * 10_000 + data[-2:]
    open(honest)
    open(data + scan * 10_000)  # a film that follows the picture
    with pytest.raises(Corrupt):
        open(hostile)
