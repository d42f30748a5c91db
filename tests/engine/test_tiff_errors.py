"""Damage of which libtiff's tools warn (see `tiffinfo -D`), and runs of zeros, are reported."""

from __future__ import annotations

import zlib
from io import BytesIO
from typing import Any
from unittest.mock import Mock

import pytest
from PIL import Image
from PIL.TiffImagePlugin import (
    COMPRESSION,
    FILLORDER,
    IMAGELENGTH,
    IMAGEWIDTH,
    STRIPBYTECOUNTS,
    STRIPOFFSETS,
    TiffImageFile,
)

from converter.engine.raster import notes
from converter.engine.raster.codecs import tiff_errors
from converter.engine.raster.codecs.optional import OptionalLibrary

from . import samples
from .rendering import render
from .test_jpeg_damage import said

pytestmark = pytest.mark.long


def scan() -> bytes:
    page = samples.grainy((400, 300)).convert("1")
    return bytes(samples.saved(page, "TIFF", compression="group4"))


def strip_of(data: bytes) -> tuple[int, int]:
    """Return where the compressed data of the only strip starts and ends."""
    with Image.open(BytesIO(data)) as image:
        assert isinstance(image, TiffImageFile)
        [start], [size] = image.tag_v2[STRIPOFFSETS], image.tag_v2[STRIPBYTECOUNTS]
    return start, start + size


def replaced(data: bytes, content: bytes, share: float = 0.5) -> bytes:
    start, end = strip_of(data)
    at = start + int((end - start) * share)
    return data[:at] + content + data[at + len(content) :]


def test_a_scan_with_lines_that_cannot_be_read_is_reported() -> None:
    data = scan()
    assert said(data) == []
    assert said(replaced(data, b"\xff" * 16)) == ["damaged"]
    assert said(replaced(data, b"\xff" * 16), format="tiff", depth=8) == ["damaged"]


@pytest.mark.parametrize("compression", ["tiff_adobe_deflate", "jpeg"])
@pytest.mark.parametrize("share", [0.3, 0.6])
def test_a_run_of_zeros_in_a_picture_is_reported(compression: str, share: float) -> None:
    data = samples.saved(samples.grainy((400, 300)), "TIFF", compression=compression, strip_size=1 << 20)
    assert said(data) == []
    assert said(replaced(data, bytes(500), share)) == ["damaged"]


def test_a_run_of_zeros_in_a_scan_is_reported() -> None:
    assert said(replaced(scan(), bytes(500))) == ["damaged"]


@pytest.mark.parametrize("color", [0, 99, 255])
@pytest.mark.parametrize("compression", ["tiff_adobe_deflate", "jpeg", "tiff_lzw", "packbits", "raw"])
def test_zeros_that_encode_pixels_are_no_damage(color: int, compression: str) -> None:
    picture = Image.new("RGB", (1500, 1500), (color,) * 3)
    picture.putpixel((1000, 1000), (1, 2, 3))
    data = samples.saved(picture, "TIFF", compression=compression, strip_size=1 << 25)
    assert said(data) == []


def test_zeros_are_judged_by_the_order_of_the_bits() -> None:
    picture = samples.grainy((400, 300))
    options: dict[str, Any] = {
        "compression": "tiff_adobe_deflate",
        "strip_size": 1 << 25,
        "tiffinfo": {FILLORDER: 2},
    }
    data = samples.saved(picture, "TIFF", **options)
    blank = Image.new("RGB", (1500, 1500))
    blank.putpixel((1000, 1000), (1, 2, 3))
    assert said(samples.saved(blank, "TIFF", **options)) == []
    assert said(data) == []
    assert said(replaced(data, bytes(500), 0.3)) == ["damaged"]


def test_the_checksum_is_not_searched_for_in_endless_data() -> None:
    part = zlib.compress(bytes(50_000_000))
    broken = part[:-1] + b"\xff"
    assert not tiff_errors._lacks_a_checksum([broken], 1_000_000)
    assert not tiff_errors._lacks_a_checksum([part, broken], 60_000_000)
    assert tiff_errors._lacks_a_checksum([broken], 60_000_000)


def test_strips_that_overlap_are_not_searched_again_and_again() -> None:
    searched = Mock(wraps=bytes(8) + b"\x01" * 1_000_000)
    searched.__len__ = lambda self: 1_000_008
    tags = {
        COMPRESSION: 4,
        IMAGEWIDTH: 400,
        IMAGELENGTH: 300,
        STRIPOFFSETS: (8,) * 300,
        STRIPBYTECOUNTS: (1_000_000,) * 300,
    }
    assert not tiff_errors.has_hole(tags, searched)
    assert searched.find.call_count == 1


@pytest.mark.parametrize("color", [0, 1])
def test_a_blank_scan_is_intact(color: int) -> None:
    page = Image.new("1", (2400, 3400), color)
    for compression in ("group3", "group4"):
        assert said(samples.saved(page, "TIFF", compression=compression)) == []


def test_zeros_after_the_last_line_are_no_damage() -> None:
    data = scan()
    start, end = strip_of(data)
    tags = {
        COMPRESSION: 4,
        IMAGEWIDTH: 400,
        IMAGELENGTH: 300,
        STRIPOFFSETS: (8,),
        STRIPBYTECOUNTS: (end - start + 512,),
    }
    padded = bytes(8) + data[start:end] + bytes(512)
    assert not tiff_errors.has_hole(tags, padded)
    assert tiff_errors.has_hole(tags, padded[:-1] + b"\x01")


def test_damage_on_a_later_page_is_reported() -> None:
    file = BytesIO()
    page = samples.grainy((400, 300)).convert("1")
    page.save(file, "TIFF", compression="group4", save_all=True, append_images=[page.rotate(180)])
    data = file.getvalue()
    assert said(data, format="tiff") == []
    with Image.open(BytesIO(data)) as image:
        assert isinstance(image, TiffImageFile)
        image.seek(1)
        at = image.tag_v2[STRIPOFFSETS][0] + 500
    damaged = data[:at] + b"\xff" * 16 + data[at + 16 :]
    assert said(damaged, format="tiff") == ["damaged"]
    assert said(damaged, format="tiff", pages="1") == []


def test_errors_are_not_printed(capfd: pytest.CaptureFixture[str]) -> None:
    render(replaced(scan(), b"\xff" * 16))
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("name", "value", "problem"),
    [
        ("linked_with", Mock(side_effect=OSError("/nowhere")), "libtiff's error handler cannot be set: "),
        ("_errors_in", lambda data: 0, "libtiff does not report errors"),
        ("_errors_in", Mock(side_effect=OSError("-2")), "libtiff cannot be tested: -2"),
    ],
)
def test_scans_are_read_without_an_error_handler(
    name: str, value: Any, problem: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tiff_errors, name, value)
    monkeypatch.setattr(tiff_errors, "LIBRARY", OptionalLibrary(tiff_errors._tried))
    assert [note for note in notes() if problem in note]
    assert said(replaced(scan(), b"\xff" * 16)) == []
