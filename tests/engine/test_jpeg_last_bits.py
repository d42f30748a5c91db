"""A shrunk progressive JPEG is read without the last bits of its coefficients, where they are invisible."""

from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO
from itertools import product
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from converter.engine import Recipe
from converter.engine.raster import open
from converter.engine.raster.codecs import jpeg_last_bits
from converter.engine.raster.codecs.jpeg_last_bits import without_last_bits
from converter.engine.raster.codecs.jpeg_segments import START_OF_SCAN, segments
from converter.engine.report import Result

from . import samples
from .rendering import codes

SIZE = (331, 205)


def picture() -> Image.Image:
    """Return a photo with little grain; with more, Pillow's buffer is too small for progressive JPEGs."""
    return Image.blend(samples.photo(SIZE), samples.grainy(SIZE), 0.3)


def progressive(mode: str = "RGB", **arguments: Any) -> bytes:
    wanted = {"quality": 100, "subsampling": "4:4:4", **arguments}
    return samples.saved(picture().convert(mode), "JPEG", progressive=True, **wanted)


def reduced(data: bytes, scale: int) -> Image.Image:
    """Return the components as libjpeg decodes them at a smaller size."""
    with Image.open(BytesIO(data)) as image:
        image.draft("YCbCr" if image.mode == "RGB" else None, (image.width // scale, image.height // scale))
        image.load()
        return image


def values(image: Image.Image) -> NDArray[np.float64]:
    return np.asarray(image, dtype=np.float64)


def scans(data: bytes) -> list[bytes]:
    """Return the header of each scan, from its components to its bits."""
    found = [segment.start for segment in segments(data) if segment.marker == START_OF_SCAN]
    return [data[start : start + 4 + 2 * data[start]] for start in found]


@pytest.mark.parametrize("mode", ["L", "RGB", "CMYK"])
@pytest.mark.parametrize("scale", [2, 4, 8])
def test_a_shrunk_image_differs_by_less_than_one_level(mode: str, scale: int) -> None:
    for restarts in (0, 7):
        data = progressive(mode, restart_marker_blocks=restarts)
        fewer = without_last_bits(data, scale)
        assert fewer is not None
        assert len(fewer) < 0.8 * len(data)
        before, after = values(reduced(data, scale)), values(reduced(fewer, scale))
        assert before.shape == after.shape
        assert np.sqrt(np.mean((before - after) ** 2)) < 0.6
        assert np.abs(np.mean(before - after)) < 0.1


@pytest.mark.parametrize("subsampling", ["4:4:4", "4:2:2", "4:2:0", "4:1:1"])
def test_no_larger_error_than_declared_is_added(subsampling: str) -> None:
    """The decoder averages 2×2 or 4×4 pixels, so the averages of the whole image are the truth."""
    for scale, quality in product((2, 4), (90, 95, 98, 100)):
        data = progressive(subsampling=subsampling, quality=quality)
        fewer = without_last_bits(data, scale)
        if fewer is None:
            continue
        with Image.open(BytesIO(data)) as image:
            image.draft("YCbCr", None)
            whole = values(image)
        height, width = (side // scale * scale for side in whole.shape[:2])
        squares = whole[:height, :width].reshape(height // scale, scale, width // scale, scale, 3)
        truth = squares.mean((1, 3))
        errors = [
            np.mean((values(reduced(file, scale))[: len(truth), : truth.shape[1]] - truth) ** 2)
            for file in (data, fewer)
        ]
        assert errors[1] - errors[0] < jpeg_last_bits._LARGEST_ERROR**2


@pytest.mark.parametrize(("scale", "quality"), [(1, 100), (2, 95), (4, 80)])
def test_visible_bits_are_kept(scale: int, quality: int) -> None:
    assert without_last_bits(progressive(quality=quality), scale) is None


def test_only_the_components_whose_bits_are_invisible_lose_them() -> None:
    """At half size, colour of half the resolution is decoded in full."""
    data = progressive(subsampling="4:2:0")
    fewer = without_last_bits(data, 2)
    assert fewer is not None
    gone = [scan for scan in scans(data) if scan[0] == 1 and scan[-1] == 0x10]
    kept = [scan for scan in scans(fewer) if scan[0] == 1 and scan[-1] == 0x10]
    assert len(gone) == 3
    # That of brightness is one that was declared as 2 → 1 before.
    assert [scan[1] for scan in kept] == [1, 3, 2]
    assert len(scans(fewer)) == len(scans(data)) - 1


def small(data: bytes, width: int = 100) -> Result:
    return open(data).render(Recipe.parse({"format": "png", "resize": {"width": width}}))


def unusual(data: bytes) -> Iterator[bytes]:
    """Yield the file with each scan twice, without each scan, and with other bits in each scan header."""
    found = [segment for segment in segments(data) if segment.marker == START_OF_SCAN]
    for segment in found:
        scan = data[segment.start - 4 : segment.end]
        yield data[: segment.end] + scan + data[segment.end :]
        yield data[: segment.start - 4] + data[segment.end :]
        at = segment.start + 3 + 2 * data[segment.start]
        for other in (0x00, 0x01, 0x10, 0x32, 0xEE):
            yield data[:at] + bytes((other,)) + data[at + 1 :]
        yield data[: at - 1] + b"\x40" + data[at:]
        yield data[: segment.start] + b"\x00" + data[segment.start + 1 :]
        yield data[: segment.start + 1] + b"\x77" + data[segment.start + 2 :]


@pytest.mark.long
def test_what_is_made_of_unusual_scans_looks_the_same() -> None:
    for data in unusual(progressive(subsampling="4:2:0")):
        fewer = without_last_bits(data, 2)
        try:
            before = values(reduced(data, 2))
        except OSError:
            continue
        after = values(reduced(fewer or data, 2))
        assert np.sqrt(np.mean((before - after) ** 2)) < 0.6


def test_other_headers_are_left_to_the_decoder() -> None:
    data = progressive()
    frame, tables = data.index(b"\xff\xc2"), data.index(b"\xff\xdb")
    wrong_table = data[: frame + 12] + b"\x03" + data[frame + 13 :]
    no_sampling = data[: frame + 11] + b"\x01" + data[frame + 12 :]
    no_height = data[: frame + 5] + b"\x00\x00" + data[frame + 7 :]
    wide_table = data[: tables + 4] + b"\x10" + data[tables + 5 :]
    table = data[tables : tables + 2 + int.from_bytes(data[tables + 2 : tables + 4], "big")]
    later_table = data[:-2] + table + data[-2:]
    baseline = samples.saved(picture(), "JPEG", quality=100)
    for other in (wrong_table, no_sampling, no_height, wide_table, later_table, data[:-2], baseline):
        assert without_last_bits(other, 2) is None


def test_a_missing_scan_is_still_reported() -> None:
    data = progressive()
    last = [segment for segment in segments(data) if segment.marker == START_OF_SCAN][-1]
    cut = data[: last.start - 4] + b"\xff\xd9"
    assert ["image_incomplete" in codes(small(one)) for one in (data, cut)] == [False, True]


def test_damage_in_a_scan_that_is_read_is_still_reported() -> None:
    data = progressive()
    [first, *_] = (segment for segment in segments(data) if segment.marker == START_OF_SCAN)
    middle = (first.start + first.end) // 2
    damaged = data[:middle] + data[middle + 300 :]
    assert ["image_incomplete" in codes(small(one)) for one in (data, damaged)] == [False, True]
