"""Damage for which libjpeg only warns (see `djpeg`) is reported, but not odd files that are intact."""

from __future__ import annotations

from base64 import b64decode
from io import BytesIO
from typing import Any
from unittest.mock import Mock

import pytest
from PIL import Image, _imaging

from converter.engine import Corrupt, Recipe, UnsupportedVariant
from converter.engine.raster import convert, notes
from converter.engine.raster.codecs import jpeg_damage, jpeg_warnings
from converter.engine.raster.codecs.jpeg_segments import segments
from converter.engine.raster.codecs.optional import OptionalLibrary
from converter.engine.report import Result

from . import samples
from .rendering import render

pytestmark = pytest.mark.long

SIZE = (160, 120)
ARITHMETIC = b64decode(
    "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDABQODxIPDRQSEBIXFRQYHjIhHhwcHj0sLiQySUBMS0dARkVQWnNiUFVtVkVGZIhlbXd7"
    "gYKBTmCNl4x9lnN+gXz/yQALCAAYABgBAREA/8wABgAQEAX/2gAIAQEAAD8A+HX6bwKQSzJjgMv1UmarIZgzvoV03C7Lhp+8VmKe"
    "yFsTChYYltqRsPk5x8OgLmOomVT/2Q=="
)
"""A grey image of 24×24, made by `jpegtran -arithmetic`."""


def jpeg(mode: str = "RGB", size: tuple[int, int] = SIZE, **arguments: Any) -> bytes:
    return bytes(samples.saved(samples.grainy(size).convert(mode), "JPEG", **{"quality": 85, **arguments}))


def said(data: bytes, **recipe: Any) -> list[str]:
    """Return the reported damage."""
    result = render(data, **recipe)
    return [warning.params.get("kind", "") for warning in damage(result)]


def damage(result: Result) -> list[Any]:
    return [warning for warning in result.report.warnings if warning.code == "image_incomplete"]


def scan_of(data: bytes | bytearray) -> int:
    return data.index(b"\xff\xda") + 14


@pytest.mark.parametrize("marker", [0x02, 0x9D, 0xF1])
def test_a_large_jpeg_whose_damage_looks_like_a_reserved_marker_is_damaged(marker: int) -> None:
    """djpeg refuses it, too: "Unsupported marker type"."""
    data = bytearray(samples.saved(Image.effect_noise((900, 600), 60), "JPEG", quality=95))
    middle = len(data) // 2
    data[middle : middle + 4] = bytes((0xFF, marker, 0, 4))
    assert len(data) - middle > 100_000
    with pytest.raises(Corrupt):
        render(bytes(data))


@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
@pytest.mark.parametrize("lost", [0, 3, -1])
def test_a_lost_restart_marker_is_reported(progressive: bool, mode: str, lost: int) -> None:
    data = jpeg(mode, progressive=progressive, restart_marker_rows=1)
    scan = scan_of(data)
    places = [at for at in range(scan, len(data)) if data[at] == 0xFF and 0xD0 <= data[at + 1] <= 0xD7]
    at = places[lost]
    assert said(data) == []
    assert said(data[:at] + data[at + 2 :]) == ["damaged"]
    assert said(data[:at] + data[at + 2 :], format="jpeg", resize={"width": 40}) == ["damaged"]


def test_restart_intervals_in_the_wrong_order_are_reported() -> None:
    pieces = []
    rest = jpeg(restart_marker_rows=1)
    for number in range(3):
        piece, rest = rest.split(bytes((0xFF, 0xD0 + number)), 1)
        pieces.append(piece + bytes((0xFF, 0xD0 + number)))
    assert said(pieces[0] + pieces[1] + pieces[2] + rest) == []
    assert said(pieces[0] + pieces[2] + pieces[1] + rest) == ["damaged"]


@pytest.mark.parametrize("size", [(1, 1), (8, 8), (17, 33), (250, 16), (33, 100)])
@pytest.mark.parametrize("subsampling", ["4:4:4", "4:2:2", "4:2:0", "4:1:1"])
@pytest.mark.parametrize("progressive", [False, True])
def test_any_restart_interval_is_whole(size: tuple[int, int], subsampling: str, progressive: bool) -> None:
    for interval in (1, 3, 1000):
        data = jpeg(
            size=size, subsampling=subsampling, progressive=progressive, restart_marker_blocks=interval
        )
        assert said(data) == []


def test_a_restart_marker_after_the_last_pixel_does_no_harm() -> None:
    assert said(jpeg()[:-2] + b"\xff\xd0\xff\xd9") == []


def test_a_run_of_zeros_is_reported() -> None:
    data = bytearray(jpeg())
    middle = (scan_of(data) + len(data)) // 2
    data[middle : middle + 512] = bytes(512)
    assert said(bytes(data)) in ([""], ["damaged"])
    inside = bytearray(jpeg(restart_marker_rows=1, quality=95, size=(640, 64)))
    middle = scan_of(inside) + 2000
    inside[middle : middle + 100] = bytes(100)
    assert said(bytes(inside)) == ["damaged"]


@pytest.mark.parametrize("color", [(255, 255, 255), (0, 0, 0), (128, 128, 128), (200, 30, 90)])
@pytest.mark.parametrize("optimize", [False, True])
def test_zeros_that_encode_pixels_are_no_damage(color: tuple[int, int, int], optimize: bool) -> None:
    for mode in ("RGB", "L"):
        image = Image.new("RGB", (800, 800), color).convert(mode)
        assert said(samples.saved(image, "JPEG", optimize=optimize)) == []


def test_data_lost_in_the_middle_is_not_reported_as_truncation() -> None:
    data = jpeg()
    middle = len(data) * 2 // 3
    [warning] = damage(render(data[:middle] + data[middle + 1200 :]))
    assert "or something in its middle" in warning.text


def test_leftover_compressed_data_is_reported() -> None:
    data = jpeg()
    assert said(data[:-2] + bytes(range(1, 41)) + data[-2:]) == ["damaged"]


@pytest.mark.parametrize("padding", [b"\x00" * 64, b"\xff" * 64, b"\x12\x34\x56"])
def test_padding_after_the_last_pixel_is_no_damage(padding: bytes) -> None:
    data = jpeg()
    assert said(data[:-2] + padding + data[-2:]) == []


@pytest.mark.parametrize("marker", [0xC5, 0xC1, 0xF7, 0xCB])
def test_a_frame_marker_within_a_scan_is_damage(marker: int) -> None:
    data = jpeg()
    middle = (scan_of(data) + len(data)) // 2
    with pytest.raises(Corrupt):
        render(data[:middle] + bytes((0xFF, marker, 0, 8, 12)) + data[middle:])


def test_a_hierarchical_jpeg_is_refused_by_name() -> None:
    data = jpeg()
    frame = data.index(b"\xff\xc0")
    length = int.from_bytes(data[frame + 2 : frame + 4], "big")
    announced = b"\xff\xde" + data[frame + 2 : frame + 2 + length]
    with pytest.raises(UnsupportedVariant, match="hierarchical"):
        render(data[:frame] + announced + data[frame:])


def test_a_damaged_jpeg_is_not_repacked_as_it_is() -> None:
    data = jpeg(restart_marker_rows=1)
    at = data.index(b"\xff\xd2", scan_of(data))
    (result,) = convert(data[:at] + data[at + 2 :], Recipe.parse({"format": "jxl", "lossless": True}))
    assert isinstance(result, Result)
    assert damage(result)


def test_an_arithmetic_jpeg_of_more_than_a_block_is_read() -> None:
    comment = (
        b"\xff\xfe\xff\x00" + b" " * 0xFEFE
    )  # the compressed data crosses the end of Pillow's first block
    scan = ARITHMETIC.index(b"\xff\xda")
    data = ARITHMETIC[:scan] + comment + b"\xff\xfe\x00\x6a" + b" " * 0x68 + ARITHMETIC[scan:]
    assert len(data) > 65_536 > data.index(b"\xff\xda") + 12
    assert samples.opened(render(data)).tobytes() == samples.opened(render(ARITHMETIC)).tobytes()
    assert said(data) == []


def without_middle(data: bytes, count: int = 500) -> bytes:
    middle = (scan_of(data) + len(data)) // 2
    return data[:middle] + data[middle + count :]


@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize("width", [40, 160])
def test_data_lost_inside_is_reported(mode: str, progressive: bool, width: int) -> None:
    data = jpeg(mode, progressive=progressive)
    assert said(without_middle(data), resize={"width": width}) in ([""], ["damaged"])


@pytest.mark.parametrize("progressive", [False, True])
def test_blocks_that_changed_places_are_reported(progressive: bool) -> None:
    data = jpeg(progressive=progressive, size=(640, 480))
    a, b = (scan_of(data) + len(data) * share // 8 for share in (3, 5))
    data = data[:a] + data[b : b + 2000] + data[a + 2000 : b] + data[a : a + 2000] + data[b + 2000 :]
    assert said(data) == ["damaged"]


@pytest.mark.parametrize("progressive", [False, True])
def test_odd_headers_are_no_damage(progressive: bool) -> None:
    data = jpeg(progressive=progressive)
    future = data.replace(b"JFIF\x00\x01", b"JFIF\x00\x02", 1)
    adobe = data[:2] + b"\xff\xee\x00\x0eAdobe\x00d\x00\x00\x00\x00\x07" + data[2:]
    stray = data[: scan_of(data) - 14] + b"\x00stray\x00" + data[scan_of(data) - 14 :]
    for odd in (future, adobe, stray):
        assert said(odd) == []


def test_odd_parameters_of_a_baseline_scan_are_no_damage() -> None:
    data = bytearray(jpeg())
    data[scan_of(data) - 2] = 0  # the last coefficient, always 63
    assert said(bytes(data)) == []


def test_stray_bytes_between_scans_are_no_damage() -> None:
    data = jpeg(progressive=True)
    first, second = [segment for segment in segments(data) if segment.marker == 0xC4][-2:]
    assert said(data) == []
    odd = data[: second.end] + b"\x00\x01\x02" + data[second.end :]
    assert first.end < second.start
    assert said(odd) == []


@pytest.mark.parametrize("count", [1, 2, 8])
def test_a_few_bytes_before_the_end_are_no_damage(count: int) -> None:
    data = jpeg()
    assert said(data[:-2] + bytes(range(1, count + 1)) + data[-2:]) == []


def test_damage_in_a_later_image_is_reported() -> None:
    file = BytesIO()
    pages = [samples.grainy(SIZE), samples.grainy(SIZE).rotate(180)]
    pages[0].save(file, "MPO", save_all=True, append_images=pages[1:], quality=85)
    data = file.getvalue()
    second = data.index(b"\xff\xd8\xff", 4)
    while data[second:].count(b"\xff\xda") > 1:
        second = data.index(b"\xff\xd8\xff", second + 3)
    damaged = data[:second] + without_middle(data[second:])
    for pages_kept in ("1-2", "2"):
        assert said(data, format="tiff", pages=pages_kept) == []
        assert said(damaged, format="tiff", pages=pages_kept) == ["damaged"]
    assert said(damaged, format="tiff", pages="1") == []


def test_pillow_without_the_known_structure_is_used_without_its_warnings(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(jpeg_warnings, "_SIZE_OF_DECODER", 1)
    library = OptionalLibrary(jpeg_warnings._tried)
    monkeypatch.setattr(jpeg_warnings, "LIBRARY", library)
    assert notes() == [
        "Most damage inside JPEGs goes unnoticed: the structure of Pillow's JPEG decoder is unknown."
    ]
    assert said(jpeg()) == []
    assert said(without_middle(jpeg(restart_marker_rows=1), 1000)) == ["damaged"]


def test_pillow_may_have_been_built_without_jpeg(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(_imaging, "jpeg_decoder")
    assert "cannot be tested: " in OptionalLibrary(jpeg_warnings._tried).problem()


def test_an_intact_picture_that_ends_grey_is_decoded_once(monkeypatch: pytest.MonkeyPatch) -> None:
    data = samples.saved(Image.new("RGB", SIZE, (128, 128, 128)), "JPEG")
    load = Mock(wraps=jpeg_damage.load)
    monkeypatch.setattr(jpeg_damage, "load", load)
    assert said(data) == []
    assert load.call_count == 1
