"""A small version of a progressive JPEG is the same without the scans that only larger ones need."""

from __future__ import annotations

from io import BytesIO
from itertools import product
from typing import Any

import pytest
from PIL import Image

from converter.engine import Recipe
from converter.engine.raster import open
from converter.engine.raster.codecs import jpeg
from converter.engine.raster.codecs.jpeg_detail import without_detail
from converter.engine.raster.codecs.jpeg_segments import START_OF_SCAN, segments
from converter.engine.report import Result

from . import samples
from .rendering import codes


def progressive(size: tuple[int, int], mode: str = "RGB", **arguments: Any) -> bytes:
    image = samples.grainy(size).convert(mode)
    return samples.saved(image, "JPEG", progressive=True, **arguments)


def an_eighth(data: bytes) -> Image.Image:
    with Image.open(BytesIO(data)) as image:
        image.draft(image.mode, (max(1, image.width // 8), max(1, image.height // 8)))
        image.load()
        return image


@pytest.mark.parametrize("mode", ["L", "RGB", "CMYK"])
@pytest.mark.parametrize("size", [(160, 80), (201, 155), (8, 8), (17, 9), (1, 1)])
def test_an_eighth_has_the_same_pixels(size: tuple[int, int], mode: str) -> None:
    for subsampling, restarts in product(("4:4:4", "4:2:2", "4:2:0", "4:1:1"), (0, 3)):
        data = progressive(size, mode, subsampling=subsampling, restart_marker_blocks=restarts)
        smaller = without_detail(data)
        assert smaller is not None
        assert an_eighth(smaller).tobytes() == an_eighth(data).tobytes()


def test_most_of_the_file_is_left_out() -> None:
    data = progressive((640, 400), quality=95)
    assert len(without_detail(data) or data) < len(data) / 2


@pytest.mark.parametrize(
    "data", [samples.saved(samples.grainy(), "JPEG"), progressive((64, 64))[:-2]], ids=["baseline", "no end"]
)
def test_of_other_files_nothing_is_left_out(data: bytes) -> None:
    assert without_detail(data) is None


def small(data: bytes) -> Result:
    return open(data).render(Recipe.parse({"format": "png", "resize": {"width": 40}}))


@pytest.mark.parametrize("size", [(640, 400), (641, 401), (647, 406), (1050, 1680)])
def test_a_result_is_the_same(size: tuple[int, int], monkeypatch: pytest.MonkeyPatch) -> None:
    data = progressive(size)
    fast = small(data)
    monkeypatch.setattr(jpeg, "visible_at", lambda data, scale: data)
    assert fast.data == small(data).data


def test_a_missing_part_is_still_reported() -> None:
    data = progressive((640, 400))
    cut = data[: len(data) // 4].rstrip(b"\xff") + b"\xff\xd9"
    assert ["image_incomplete" in codes(small(one)) for one in (data, cut)] == [False, True]


def test_damage_that_the_decoder_skips_can_still_be_skipped() -> None:
    """libjpeg resumes at the next restart marker, but not where a scan with the damage has been left out."""
    data = progressive((640, 400), restart_marker_blocks=7)
    second = [segment for segment in segments(data) if segment.marker == START_OF_SCAN][1]
    middle = (second.start + second.end) // 2
    damaged = data[:middle] + b"\xff\x41\x00\x04" + data[middle:]
    assert "image_incomplete" in codes(small(damaged))


def test_a_frame_without_components_is_left_alone() -> None:
    data = progressive((64, 64))
    at = data.index(b"\xff\xc2")
    assert without_detail(data[: at + 2] + b"\x00\x08" + data[at + 4 : at + 10] + data[at + 19 :]) is None


def test_a_larger_picture_has_its_detail() -> None:
    data = progressive((640, 400))
    with Image.open(BytesIO(data)) as image:
        expected = image.convert("RGB").tobytes()
    with Image.open(BytesIO(open(data).render(Recipe.parse({"format": "png"})).data)) as made:
        assert made.convert("RGB").tobytes() == expected
