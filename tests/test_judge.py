"""The judge of the benchmarks."""

from __future__ import annotations

import pytest
from PIL import Image, ImageStat

from tests.benchmarks.judge import continued
from tests.engine.samples import photo


@pytest.mark.parametrize("size", [(320, 180), (180, 320), (1, 1), (300, 20)])
def test_a_small_picture_is_continued_to_the_size_of_all_scales(size: tuple[int, int]) -> None:
    image = photo(size)
    larger = continued(image)
    assert min(larger.size) >= 256
    assert larger.crop((0, 0, *size)).tobytes() == image.tobytes()
    mean, other = ImageStat.Stat(image).mean, ImageStat.Stat(larger).mean
    assert other == pytest.approx(mean)


def test_a_large_picture_is_judged_as_it_is() -> None:
    image = Image.new("RGB", (256, 400))
    assert continued(image) is image
