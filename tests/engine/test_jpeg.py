"""Valid and excessive claims of JPEG headers. Odd segments are read as by libjpeg and Chromium."""

from __future__ import annotations

import random
import struct

import pytest
from PIL import Image

from converter.engine import Corrupt, Recipe, UnsupportedVariant
from converter.engine.raster import open
from converter.engine.raster.codecs.jpeg_segments import before_pixels, segments

from . import samples
from .rendering import codes, render

PNG = Recipe.parse({"format": "png"})


@pytest.mark.long
@pytest.mark.parametrize("progressive", [False, True])
def test_the_smallest_possible_jpeg_is_accepted(progressive: bool) -> None:
    data = samples.saved(Image.new("L", (4000, 3000), 128), "JPEG", progressive=progressive, optimize=True)
    assert open(data).render(PNG).width == 4000


def test_a_jpeg_of_ten_thousand_scans_is_refused_before_it_is_decoded() -> None:
    data = samples.saved(samples.photo((64, 64)), "JPEG", progressive=True)
    at = data.rindex(b"\xff\xda")
    scan = data[at:-2]
    honest = data[:at] + scan * 20 + data[-2:]
    hostile = data[:at] + scan * 10_000 + data[-2:]
    open(honest)
    open(data + scan * 10_000)  # a video that follows the image
    with pytest.raises(UnsupportedVariant, match="unusually large number of parts"):
        open(hostile)


def segment(marker: int, content: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(content) + 2) + content


def piece(number: int, count: int, content: bytes) -> bytes:
    return segment(0xE2, b"ICC_PROFILE\x00" + bytes((number, count)) + content)


@pytest.fixture(scope="module")
def plain() -> bytes:
    return bytes(samples.saved(samples.photo((48, 40)), "JPEG", quality=90))


def pixels(data: bytes) -> bytes:
    return bytes(samples.opened(render(data)).tobytes())


@pytest.mark.parametrize(
    "stub",
    [
        segment(0xE0, b"JFIF\x00"),
        segment(0xE0, b"JFIF\x00\x01"),
        segment(0xEE, b"Adobe"),
        segment(0xEE, b"Adobe\x00"),
        segment(0xE2, b"ICC_PROFILE\x00"),
    ],
)
def test_an_empty_segment_is_no_damage(plain: bytes, stub: bytes) -> None:
    odd = plain[:2] + stub + plain[2:]
    assert pixels(odd) == pixels(plain)
    assert codes(render(odd)) == codes(render(plain))


def test_the_height_may_follow_the_first_scan(plain: bytes) -> None:
    frame = plain.index(b"\xff\xc0") + 5
    told_late = bytearray(plain[:-2] + segment(0xDC, plain[frame : frame + 2]) + plain[-2:])
    told_late[frame : frame + 2] = bytes(2)
    assert pixels(bytes(told_late)) == pixels(plain)
    never_told = bytearray(plain)
    never_told[frame : frame + 2] = bytes(2)
    with pytest.raises(Corrupt):
        render(bytes(never_told))


def test_a_profile_counts_in_any_order_of_its_pieces_and_behind_the_frame(plain: bytes) -> None:
    icc = samples.display_p3()
    one, two = piece(1, 2, icc[:200]), piece(2, 2, icc[200:])
    whole = pixels(plain[:2] + one + two + plain[2:])
    assert whole != pixels(plain)
    scan = plain.index(b"\xff\xda")
    assert pixels(plain[:2] + two + one + plain[2:]) == whole
    assert pixels(plain[:2] + one + two + one + plain[2:]) == whole
    assert pixels(plain[:scan] + one + two + plain[scan:]) == whole


def test_a_profile_with_a_missing_part_is_reported(plain: bytes) -> None:
    data = plain[:2] + piece(1, 2, samples.display_p3()[:200]) + plain[2:]
    assert "profile_unusable" in codes(render(data))


@pytest.mark.parametrize("fill", [0, 1, 5])
def test_a_scan_ends_before_the_fill_bytes_of_the_next_marker(plain: bytes, fill: int) -> None:
    padded = plain[:-2] + b"\xff" * fill + plain[-2:]
    scan, end = list(segments(padded))[-2:]
    assert (scan.end, end.start) == (len(plain) - 2, len(padded))
    assert [*before_pixels(padded), scan, end] == list(segments(padded))
    assert "image_incomplete" not in codes(render(padded))


def test_a_jpeg_cut_off_within_a_marker_and_closed_again_is_incomplete() -> None:
    data = samples.saved(samples.grainy((64, 64)), "JPEG", quality=95)
    middle = data.index(b"\xff\x00", len(data) * 3 // 4)
    assert "image_incomplete" in codes(render(data[: middle + 1] + b"\xff\xd9"))


def black_and_white_noise(size: tuple[int, int]) -> Image.Image:
    """Return a picture that takes more bytes than any other as JPEG."""
    levels = random.Random(1).choices((0, 255), k=3 * size[0] * size[1])
    return Image.frombytes("RGB", size, bytes(levels))


@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize(
    ("size", "told"),
    [
        ((9000, 3), {}),
        ((3, 9000), {}),
        ((300, 200), {"icc_profile": samples.display_p3() + bytes(150_000)}),
    ],
)
def test_noise_fits_the_buffer_in_any_shape_and_with_metadata(
    size: tuple[int, int], told: dict[str, bytes], progressive: bool
) -> None:
    source = samples.saved(black_and_white_noise(size), "PNG", **told)
    recipe = {"quality": 100, "effort": 1, "color": "keep", "metadata": "keep", "progressive": progressive}
    [result] = samples.render_all(source, Recipe.parse({"format": "jpeg", **recipe}))
    assert samples.opened(result).size == size
    assert len(result.data) > 3 * size[0] * size[1] + sum(map(len, told.values()))
