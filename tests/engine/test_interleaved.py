"""Copying the samples of all pixels for an encoder."""

from __future__ import annotations

import tracemalloc
from itertools import chain

import pytest
from PIL import Image, ImageFile

from converter.engine.raster.pixels import interleaved


def drawn(mode: str, size: tuple[int, int]) -> Image.Image:
    ramp = Image.linear_gradient("L").resize(size)
    bands = [ramp, ramp.transpose(Image.Transpose.ROTATE_180), ramp.point(lambda value: value // 2), ramp]
    return Image.merge(mode, bands[: len(mode)]) if len(mode) > 1 else ramp


@pytest.mark.parametrize("size", [(1, 1), (1, 9), (40_000, 1), (301, 203)])
@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA"])
def test_every_sample_is_there_in_order(mode: str, size: tuple[int, int]) -> None:
    image = drawn(mode, size)
    bands = [band.tobytes() for band in image.split()]
    assert interleaved(image) == bytes(chain.from_iterable(zip(*bands, strict=True)))


@pytest.mark.parametrize("block", [ImageFile.MAXBLOCK, 4_000_000])
def test_pixels_are_copied_once_whatever_the_block_size(block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ImageFile, "MAXBLOCK", block)
    image = drawn("RGB", (1000, 1000))
    tracemalloc.start()
    try:
        pixels = interleaved(image)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(pixels) <= peak < 1.1 * len(pixels)
    assert block == ImageFile.MAXBLOCK
