"""BMPs of every kind that Windows and OS/2 wrote. The expected colours are those of Chromium."""

from __future__ import annotations

import struct
from typing import Any

import pytest

from converter.engine import Recipe, UnsupportedVariant
from converter.engine.errors import Corrupt
from converter.engine.raster import open
from tests.engine.samples import pixel

from .samples import opened

RED, GREEN, BLUE, WHITE = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)
PALETTE = [WHITE, RED, GREEN, BLUE]


def bmp(
    pixels: bytes,
    width: int = 4,
    height: int = 2,
    bits: int = 8,
    compression: int = 0,
    palette: list[tuple[int, int, int]] | tuple[()] = (),
    masks: bytes = b"",
    header: int = 40,
) -> bytes:
    info = struct.pack("<IiiHH", header, width, height, 1, bits)
    if header > 16:
        info += struct.pack("<IIiiII", compression, len(pixels), 2835, 2835, len(palette), 0)
    info = info + masks if header == 40 else (info + masks).ljust(header, b"\0")
    colors = b"".join(bytes(reversed(color)) + b"\0" for color in palette)
    start = 14 + len(info) + len(colors)
    return struct.pack("<2sIHHI", b"BM", start + len(pixels), 0, 0, start) + info + colors + pixels


def fields(*masks: int) -> bytes:
    return struct.pack(f"<{len(masks)}I", *masks)


def shown(data: bytes) -> list[list[tuple[Any, ...]]]:
    image = opened(open(data).render(Recipe.parse({"format": "png"}))).convert("RGBA")
    return [[pixel(image, (x, y)) for x in range(image.width)] for y in range(image.height)]


def solid(*rows: list[tuple[int, int, int]]) -> list[list[tuple[Any, ...]]]:
    return [[(*color, 255) for color in row] for row in rows]


@pytest.mark.parametrize(
    ("name", "bits", "masks", "pixels", "wanted"),
    [
        ("444", 16, (0xF00, 0xF0, 0xF), struct.pack("<4H", 0xF00, 0x0F0, 0x00F, 0x888), (136, 136, 136)),
        (
            "565 in another order",
            16,
            (0x1F, 0x7E0, 0xF800),
            struct.pack("<4H", 0x1F, 0x7E0, 0xF800, 0x8410),
            (132, 130, 132),
        ),
        ("655", 16, (0xFC00, 0x3E0, 0x1F), struct.pack("<4H", 0xFC00, 0x3E0, 0x1F, 0x8210), (130, 132, 132)),
        (
            "101010",
            32,
            (0x3FF00000, 0xFFC00, 0x3FF),
            struct.pack("<4I", 0x3FF00000, 0xFFC00, 0x3FF, 0x20080200),
            (128, 128, 128),
        ),
        (
            "888 shifted",
            32,
            (0xFF000, 0xFF0, 0xFF00000),
            struct.pack("<4I", 0xFF000, 0, 0xFF00000, 0x8080800),
            (128, 128, 128),
        ),
        ("332", 16, (0xE0, 0x1C, 0x3), struct.pack("<4H", 0xE0, 0x1C, 0x3, 0xFF), (255, 255, 255)),
    ],
)
def test_bit_fields_of_any_width_are_read(
    name: str, bits: int, masks: tuple[int, int, int], pixels: bytes, wanted: tuple[int, int, int]
) -> None:
    row = shown(bmp(pixels, height=1, bits=bits, compression=3, masks=fields(*masks)))[0]
    if name == "888 shifted":  # red and green overlap there
        assert row[2] == (0, 0, 255, 255)
        return
    assert row == [(*RED, 255), (*GREEN, 255), (*BLUE, 255), (*wanted, 255)]


def test_an_alpha_field_is_transparency() -> None:
    pixels = struct.pack("<4H", 0xFF00, 0x80F0, 0x000F, 0xFFFF)
    row = shown(
        bmp(pixels, height=1, bits=16, compression=3, masks=fields(0xF00, 0xF0, 0xF, 0xF000), header=108)
    )[0]
    assert (row[0], row[1], row[3]) == ((*RED, 255), (*GREEN, 136), (*WHITE, 255))
    assert [pixel[3] for pixel in row] == [255, 136, 0, 255]


def test_two_bits_a_pixel_are_four_colours() -> None:
    data = bmp(bytes((0b00011011, 0, 0, 0, 0b11100100, 0, 0, 0)), bits=2, palette=PALETTE)
    assert shown(data) == solid([BLUE, GREEN, RED, WHITE], [WHITE, RED, GREEN, BLUE])


def test_a_run_may_skip_pixels() -> None:
    runs = bytes((2, 1, 0, 2, 1, 0, 1, 2, 0, 0, 0, 2, 2, 0, 2, 3, 0, 1))
    data = bmp(runs, bits=8, compression=1, palette=PALETTE)
    rows = shown(data)
    black = (0, 0, 0)
    assert rows == solid([black, black, BLUE, BLUE], [RED, RED, black, GREEN])


def test_half_bytes_run_and_stand_alone_too() -> None:
    runs = bytes((4, 0x12, 0, 0, 0, 4, 0x30, 0x12, 0, 1))
    data = bmp(runs, bits=4, compression=2, palette=PALETTE)
    assert shown(data) == solid([BLUE, WHITE, RED, GREEN], [RED, GREEN, RED, GREEN])


def test_the_short_header_of_os2_is_read() -> None:
    data = bmp(bytes((0, 1, 2, 3, 3, 2, 1, 0)), header=16, palette=PALETTE + 252 * [BLUE])
    assert shown(data) == solid([BLUE, GREEN, RED, WHITE], [WHITE, RED, GREEN, BLUE])
    rows = bytes((*reversed(RED), *reversed(GREEN), *reversed(BLUE), *WHITE)) * 2
    assert shown(bmp(rows, bits=24, header=16)) == solid(*2 * [[RED, GREEN, BLUE, WHITE]])


@pytest.mark.parametrize("size", [16, 20, 24, 36, 42, 46, 48, 60, 64])
def test_the_second_header_of_os2_may_end_after_any_field(size: int) -> None:
    long = bmp(bytes((0, 1, 2, 3, 3, 2, 1, 0)), header=64, palette=PALETTE + 252 * [BLUE])
    start = struct.unpack_from("<I", long, 10)[0] - 64 + size
    head = struct.pack("<2sIHHII", b"BM", len(long) - 64 + size, 0, 0, start, size)
    assert shown(head + long[18 : 14 + size] + long[78:]) == solid(
        [BLUE, GREEN, RED, WHITE], [WHITE, RED, GREEN, BLUE]
    )


def test_the_first_header_of_os2_may_have_two_bits_a_pixel() -> None:
    colors = b"".join(bytes(reversed(color)) for color in PALETTE)
    rows = bytes((0b00011011, 0, 0, 0, 0b11100100, 0, 0, 0))
    head = struct.pack("<2sIHHIIHHHH", b"BM", 46, 0, 0, 38, 12, 4, 2, 1, 2)
    assert shown(head + colors + rows) == solid([BLUE, GREEN, RED, WHITE], [WHITE, RED, GREEN, BLUE])


def test_runs_of_colours_of_os2_are_read() -> None:
    red, green, blue = (bytes(reversed(color)) for color in (RED, GREEN, BLUE))
    below = b"\0\3" + red + green + blue + b"\0" + b"\1" + blue + b"\0\0"  # three as they are, and one run
    above = b"\2" + red + b"\0\2\1\0" + b"\1" + green + b"\0\1"  # one pixel is skipped
    data = bmp(below + above, bits=24, compression=4, header=64)
    assert shown(data) == solid([RED, RED, (0, 0, 0), GREEN], [RED, GREEN, BLUE, BLUE])
    with pytest.raises(Exception, match="end of this file is missing"):
        shown(bmp(below[:9], bits=24, compression=4, header=64))


@pytest.mark.parametrize("width", [0, -4])
def test_a_picture_without_width_is_damaged(width: int) -> None:
    with pytest.raises(Corrupt):
        open(bmp(bytes(16), width=width, palette=PALETTE))


def test_rows_from_top_to_bottom_keep_their_order() -> None:
    pixels = struct.pack("<8H", 0xF00, 0xF00, 0xF00, 0xF00, 0xF0, 0xF0, 0xF0, 0xF0)
    data = bmp(pixels, height=-2, bits=16, compression=3, masks=fields(0xF00, 0xF0, 0xF))
    assert shown(data) == solid(4 * [RED], 4 * [GREEN])


@pytest.mark.parametrize(("compression", "word"), [(4, "JPEG"), (5, "PNG")])
def test_a_picture_of_another_format_inside_is_named(compression: int, word: str) -> None:
    with pytest.raises(UnsupportedVariant, match=word):
        open(bmp(bytes(100), bits=24, compression=compression))


def test_a_truncated_file_is_reported_as_truncated() -> None:
    data = bmp(
        struct.pack("<4H", 1, 2, 3, 4), height=2, bits=16, compression=3, masks=fields(0xF00, 0xF0, 0xF)
    )
    with pytest.raises(Exception, match="end of this file is missing"):
        open(data)


def test_bit_fields_with_alpha_may_follow_the_shortest_header() -> None:
    """`BI_ALPHABITFIELDS`, as written by Windows CE."""
    pixels = bytes((0, 0, 255, 255, 0, 255, 0, 128, 255, 0, 0, 0, 255, 255, 255, 255)) * 2
    masks = fields(0xFF0000, 0xFF00, 0xFF, 0xFF000000)
    row = [(255, 0, 0, 255), (0, 255, 0, 128), (0, 0, 255, 0), (255, 255, 255, 255)]
    assert shown(bmp(pixels, bits=32, compression=6, masks=masks)) == [row, row]


def test_a_palette_longer_than_its_depth_is_cut() -> None:
    palette = [*PALETTE, *[(9, 9, 9)] * 300]
    row = [RED, GREEN, BLUE, WHITE]
    assert shown(bmp(bytes((1, 2, 3, 0)) * 2, palette=palette)) == solid(row, row)
