"""TIFFs are written in strips with Deflate and a predictor, which other decoders can read."""

from __future__ import annotations

import sys
from io import BytesIO
from typing import Any

import numpy as np
import pytest
import pyvips
import tifffile
from PIL import Image

from converter.engine import raster
from converter.engine.raster.codecs import deflate, tiff_strips
from converter.engine.raster.codecs.optional import OptionalLibrary

from . import samples
from .rendering import render

DEFLATE, HORIZONTAL = 8, 2


def noise(height: int, width: int, channels: int, depth: int) -> Any:
    """Return noise with differences of any size between neighbours, and with alpha."""
    shape = (height, width, channels) if channels > 1 else (height, width)
    top = 2**depth
    return np.random.default_rng(1).integers(0, top, shape).astype(np.uint8 if depth == 8 else np.uint16)


def as_tiff(pixels: Any) -> bytes:
    channels = 1 if pixels.ndim == 2 else pixels.shape[2]
    file = BytesIO()
    tifffile.imwrite(
        file,
        pixels,
        photometric="rgb" if channels > 2 else "minisblack",
        planarconfig="contig" if channels > 1 else None,
        extrasamples=["unassalpha"] if channels in (2, 4) else None,
    )
    return file.getvalue()


def by_libvips(data: bytes) -> Any:
    return pyvips.Image.new_from_buffer(data, "").numpy()


@pytest.mark.parametrize("strip", [1, 1000, 2**20], ids=["of a row", "small", "usual"])
@pytest.mark.parametrize("depth", [8, 16])
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("size", [(1, 1), (1, 301), (47, 33), (300, 1)])
def test_every_pixel_is_read_by_two_other_decoders(
    monkeypatch: pytest.MonkeyPatch, size: tuple[int, int], channels: int, depth: int, strip: int
) -> None:
    monkeypatch.setattr(tiff_strips, "_STRIP", strip)
    pixels = noise(*size, channels, depth)
    result = render(as_tiff(pixels), format="tiff")
    assert np.array_equal(tifffile.imread(BytesIO(result.data)).reshape(pixels.shape), pixels)
    assert np.array_equal(by_libvips(result.data).reshape(pixels.shape), pixels)


def test_the_strips_are_packed_as_the_report_says() -> None:
    result = render(samples.saved(samples.photo(), "PNG"), format="tiff")
    with tifffile.TiffFile(BytesIO(result.data)) as file:
        page = file.pages.first
        assert (page.compression, page.predictor) == (DEFLATE, HORIZONTAL)
    assert result.report.settings == {"compression": "tiff_adobe_deflate"}


def test_pages_of_one_bit_are_mixed_with_pages_of_more() -> None:
    white, color = Image.new("1", (20, 30), 1), samples.photo((50, 40))
    file = BytesIO()
    with tifffile.TiffWriter(file) as writer:
        writer.write(np.asarray(white), photometric="minisblack")
        writer.write(np.asarray(color), photometric="rgb")
        writer.write(np.asarray(color.rotate(180)), photometric="rgb")
    result = render(file.getvalue(), format="tiff")
    with tifffile.TiffFile(BytesIO(result.data)) as pages:
        found = [page.asarray() for page in pages.pages]
    wanted = [np.asarray(white), np.asarray(color), np.asarray(color.rotate(180))]
    assert len(found) == len(wanted)
    for one, other in zip(found, wanted, strict=True):
        assert np.array_equal(one, other)


def broken(*_: Any) -> bytes:
    raise OSError("illegal instruction")


def empty(*_: Any) -> bytes:
    return b""


def unpacked(data: bytes, _: int) -> bytes:
    return data


@pytest.mark.parametrize("wrong", [broken, empty, unpacked])
def test_zlib_stands_in_for_a_library_that_fails_its_test(
    monkeypatch: pytest.MonkeyPatch, wrong: Any
) -> None:
    pixels = noise(30, 40, 3, 8)
    monkeypatch.setattr("deflate.zlib_compress", wrong)
    monkeypatch.setattr(deflate, "LIBRARY", OptionalLibrary(deflate._tried))
    assert any("TIFFs take longer to write" in note for note in raster.notes())
    assert raster.check() == []
    assert np.array_equal(tifffile.imread(BytesIO(render(as_tiff(pixels), format="tiff").data)), pixels)


def test_zlib_stands_in_where_the_package_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "deflate", None)
    monkeypatch.setattr(deflate, "LIBRARY", OptionalLibrary(deflate._tried))
    assert "TIFFs take longer to write than they could: deflate is not installed." in raster.notes()
