"""Bitmaps and PNGs in icons are read as in Chromium, or refused as unsupported."""

from __future__ import annotations

import struct

import pytest
from PIL import Image

from converter.engine import Truncated, UnsupportedVariant
from converter.engine.errors import Corrupt

from . import samples
from .rendering import codes, render

SIDE = 16
USUAL = {16: (0x7C00, 0x3E0, 0x1F), 32: (0xFF0000, 0xFF00, 0xFF)}


def icon(bits: int, pixel: bytes, compression: int, fields: tuple[int, ...], mask: bytes) -> bytes:
    """Return an icon of one colour; set bits of the mask are transparent."""
    header = struct.pack("<IiiHHIIiiII", 40, SIDE, 2 * SIDE, 1, bits, compression, 0, 0, 0, 0, 0)
    bitmap = header + struct.pack(f"<{len(fields)}I", *fields) + pixel * SIDE**2 + mask
    directory = struct.pack("<HHHBBBBHHII", 0, 1, 1, SIDE, SIDE, 0, 0, 1, bits, len(bitmap), 22)
    return directory + bitmap


@pytest.mark.parametrize(
    ("bits", "pixel"), [(16, struct.pack("<H", 31 << 10 | 31 << 5)), (32, bytes((0, 255, 255, 77)))]
)
@pytest.mark.parametrize("mask", [bytes(4 * SIDE), b"\x80\x00\x00\x00" * SIDE], ids=["solid", "masked"])
def test_the_usual_bit_fields_are_read(bits: int, pixel: bytes, mask: bytes) -> None:
    shown = samples.opened(render(icon(bits, pixel, 3, USUAL[bits], mask))).convert("RGBA")
    assert shown.getpixel((1, 1)) == (255, 255, 0, 255)
    assert shown.getchannel("A").getpixel((0, 0)) == (0 if any(mask) else 255)


YELLOW = {
    "565": (16, struct.pack("<H", 0xFFE0), (0xF800, 0x7E0, 0x1F)),
    "bgr": (32, bytes((255, 255, 0, 77)), (0xFF, 0xFF00, 0xFF0000)),
    "10 bits": (32, struct.pack("<I", 0x3FFFFC00), (0x3FF00000, 0xFFC00, 0x3FF)),
}


@pytest.mark.parametrize("kind", YELLOW)
@pytest.mark.parametrize("mask", [bytes(4 * SIDE), b"\x80\x00\x00\x00" * SIDE], ids=["solid", "masked"])
def test_other_bit_fields_are_read_too(kind: str, mask: bytes) -> None:
    bits, pixel, fields = YELLOW[kind]
    shown = samples.opened(render(icon(bits, pixel, 3, fields, mask))).convert("RGBA")
    assert shown.getpixel((1, 1)) == (255, 255, 0, 255)
    assert shown.getchannel("A").getpixel((0, 0)) == (0 if any(mask) else 255)


def test_alpha_with_a_field_of_its_own_counts() -> None:
    fields = (0xF00, 0xF0, 0xF, 0xF000)
    shown = samples.opened(render(icon(16, struct.pack("<H", 0x8FF0), 6, fields, bytes(4 * SIDE))))
    assert shown.convert("RGBA").getpixel((1, 1)) == (255, 255, 0, 136)


def test_bit_fields_without_their_pixels_are_cut_short() -> None:
    with pytest.raises(Truncated):
        render(icon(16, b"", 3, (0xF800, 0x7E0, 0x1F), b""))


@pytest.mark.parametrize(("bits", "compression", "name"), [(8, 1, "RLE"), (4, 2, "RLE"), (8, 3, "bit field")])
def test_other_compressions_are_refused_by_name(bits: int, compression: int, name: str) -> None:
    with pytest.raises(UnsupportedVariant, match=f"uses {name} compression"):
        render(icon(bits, bytes(4), compression, (0xF800, 0x7E0, 0x1F), b""))


def test_a_png_in_an_icon_has_the_colours_of_its_profile() -> None:
    image = Image.new("RGB", (SIDE, SIDE), (200, 40, 30))
    png = samples.saved(image, "PNG", icc_profile=samples.display_p3())
    directory = struct.pack("<HHHBBBBHHII", 0, 1, 1, SIDE, SIDE, 0, 0, 1, 32, len(png), 22)
    result = render(directory + png)
    assert "color_converted" in codes(result)
    assert samples.is_near(samples.opened(result).convert("RGB").getpixel((8, 8)), (219, 0, 4), 2)


def test_an_image_without_a_header_is_damaged_not_too_large() -> None:
    data = icon(32, b"\0\0\0\xff", 0, (), bytes(4 * SIDE))
    with pytest.raises(Corrupt):
        render(data[:22] + b"junk" * 10 + data[62:])
