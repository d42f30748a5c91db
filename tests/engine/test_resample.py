"""Resampling gives the same result as Pillow, whichever library does it."""

from __future__ import annotations

import random
import subprocess
import sys

import pytest
from PIL import Image, ImageChops, ImageStat

from converter.engine.raster import resample

from . import samples

PHOTO = samples.grainy((403, 301))


def pillows(image: Image.Image, box: tuple[float, float, float, float], size: tuple[int, int]) -> Image.Image:
    return image.resize(size, Image.Resampling.LANCZOS, box=box)


def mean_difference(first: Image.Image, second: Image.Image) -> float:
    return max(ImageStat.Stat(ImageChops.difference(first, second)).mean)


@pytest.mark.parametrize("mode", ["RGB", "L", "RGBA"])
@pytest.mark.parametrize("size", [(200, 150), (31, 77), (1, 1), (403, 20), (900, 700)])
@pytest.mark.parametrize("box", [(0, 0, 403, 301), (10.25, 7.5, 333.1, 300.9)])
def test_it_is_pillows_lanczos(
    mode: str, size: tuple[int, int], box: tuple[float, float, float, float]
) -> None:
    image = PHOTO.convert(mode)
    if mode == "RGBA":
        image.putalpha(Image.linear_gradient("L").resize(image.size))
    made, expected = resample.resampled(image, box, size), pillows(image, box, size)
    assert (made.mode, made.size) == (mode, size)
    if mode == "RGBA":  # colours count only where they are visible
        made, expected = made.convert("RGBa"), expected.convert("RGBa")
    assert mean_difference(made, expected) < 1


@pytest.mark.parametrize("mode", ["LA", "CMYK"])
def test_modes_that_the_library_does_not_support_use_pillow(mode: str) -> None:
    image = PHOTO.convert(mode)
    made = resample.resampled(image, (0, 0, *image.size), (300, 200))
    expected = pillows(image, (0, 0, *image.size), (300, 200))
    assert ImageChops.difference(made, expected).getbbox() is None


def test_transparent_pixels_do_not_bleed() -> None:
    image = Image.new("RGBA", (100, 100), (255, 0, 0, 0))
    image.paste((0, 0, 255, 255), (0, 0, 50, 100))
    made = resample.resampled(image, (0, 0, 100, 100), (30, 30))
    assert not any(
        red
        for red, alpha in zip(*(made.getchannel(band).get_flattened_data() for band in "RA"), strict=True)
        if alpha > 2
    )


def test_boxes_that_are_slightly_too_large_are_accepted() -> None:
    draw = random.Random(1)
    for _ in range(200):
        width, height = draw.randrange(1, 300), draw.randrange(1, 300)
        left, top = draw.random() * width * 0.9, draw.random() * height * 0.9
        box = (left, top, width * (1 + 1e-12), height * (1 + 1e-12))
        assert resample.resampled(Image.new("RGB", (width, height)), box, (9, 5)).size == (9, 5)


def test_without_the_library_pillow_does_it(monkeypatch: pytest.MonkeyPatch) -> None:
    made = resample.resampled(PHOTO, (0, 0, *PHOTO.size), (150, 100))
    monkeypatch.setattr(resample, "fast", None)
    assert mean_difference(resample.resampled(PHOTO, (0, 0, *PHOTO.size), (150, 100)), made) < 1


@pytest.mark.slow
@pytest.mark.parametrize(
    "image",
    [
        "Image.new('RGB', (5000, 5000))",
        "Image.new('RGBA', (5000, 5000))",
        "Image.new('L', (5000, 5000))",
        "Packed((5000, 5000), bytes(75_000_000))",
    ],
)
def test_too_little_memory_is_an_error_and_does_not_end_the_process(image: str) -> None:
    program = (
        "import resource\n"
        "from PIL import Image\n"
        "from converter.engine.raster import resample\n"
        "from converter.engine.raster.packed import Packed\n"
        f"image = {image}\n"
        "pages = int(open('/proc/self/statm').read().split()[0])\n"
        "now, ended = pages * resource.getpagesize(), 0\n"
        "for megabytes in range(20, 300, 20):\n"
        "    limit = now + megabytes * 2**20\n"
        "    resource.setrlimit(resource.RLIMIT_AS, (limit, resource.RLIM_INFINITY))\n"
        "    try:\n"
        "        resample.resampled(image, (0, 0, 5000, 5000), (4500, 4500))\n"
        "    except MemoryError:\n"
        "        ended += 1\n"
        "print(ended)\n"
    )
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert said.returncode == 0, said.stderr
    assert int(said.stdout) > 0
