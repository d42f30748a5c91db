"""AVIF, HEIC, BMP and JPEG 2000 each specify colours in their own way."""

from __future__ import annotations

import struct
from typing import Any

import pytest
from PIL import Image, ImageStat

from converter.engine import Recipe
from converter.engine.raster import open
from tests.engine.color_charts import (
    BT_2020,
    COLORS,
    DISPLAY_P3,
    GAMMA_2_2,
    IN_LINEAR,
    LINEAR,
    LINEAR_SRGB,
    P3_GAMMA_2_2,
    UNCHANGED,
    assert_chart,
    avif,
    chart,
    small,
    tiled_chart,
)
from tests.engine.rendering import codes, render
from tests.engine.samples import pixel

from . import samples
from .samples import is_near, opened, saved

# AVIF is slightly off in these saturated colours, in Chromium too.
P3_IN_AVIF = [(217, 0, 5), (0, 205, 0), (41, 30, 207), (203, 179, 3), (232, 169, 135)]


@pytest.mark.parametrize(
    ("primaries", "transfer", "greys", "colors"),
    [
        (1, 13, UNCHANGED, COLORS),
        (2, 2, UNCHANGED, COLORS),
        (12, 13, UNCHANGED, P3_IN_AVIF),
        (12, 1, UNCHANGED, P3_IN_AVIF),
        (9, 14, UNCHANGED, BT_2020),
        (1, 6, UNCHANGED, COLORS),
        (1, 4, GAMMA_2_2, None),
        (1, 8, LINEAR, IN_LINEAR),
    ],
)
def test_an_avif_has_the_colours_of_its_code_points(
    primaries: int, transfer: int, greys: list[int], colors: list[tuple[int, int, int]] | None
) -> None:
    source = open(avif(primaries, transfer))
    result = source.render(Recipe.parse({"format": "png"}))
    assert_chart(small(opened(result)), greys, colors, 4)
    assert (source.facts.profile is not None) == ("color_converted" in codes(result))


def test_a_profile_in_an_avif_goes_before_its_code_points() -> None:
    data = bytearray(
        saved(tiled_chart(), "AVIF", quality=100, subsampling="4:4:4", speed=9, icc_profile=LINEAR_SRGB)
    )
    assert_chart(small(opened(render(bytes(data)))), LINEAR, IN_LINEAR, 4)


def test_an_animated_avif_has_the_colours_of_its_code_points() -> None:
    second = tiled_chart().transpose(Image.Transpose.ROTATE_180)
    data = avif(12, 13, save_all=True, append_images=[second], duration=100)
    track = bytearray(data)
    at = data.rindex(b"colrnclx") + 8
    struct.pack_into(">HH", track, at, 12, 13)
    result = render(bytes(track), format="webp", lossless=True)
    assert_chart(small(opened(result)), UNCHANGED, DISPLAY_P3, 6)


def test_a_heic_has_the_colours_of_its_code_points() -> None:
    plain = (samples.FILES / "phone.heic").read_bytes()
    data = bytearray(plain)
    at = data.index(b"colrnclx") + 8
    struct.pack_into(">HH", data, at, 12, 13)
    before, result = opened(render(plain)).convert("RGB"), render(bytes(data))
    assert open(bytes(data)).facts.profile == "Display P3"
    assert "color_converted" in codes(result)
    # The same as a Display P3 profile in a PNG.
    after = opened(render(saved(before, "PNG", icc_profile=samples.display_p3()))).convert("RGB")
    difference = ImageStat.Stat(opened(result).convert("RGB")).mean
    assert is_near(difference, ImageStat.Stat(after).mean, 1)


def bmp(
    kind: bytes,
    ends: tuple[Any, ...] = (0.0,) * 9,
    gammas: tuple[float, float, float] = (0.0,) * 3,
    icc: bytes = b"",
    image: Image.Image | None = None,
) -> bytes:
    """Return the chart with a header of version 4, or 5 if there is a profile."""
    plain = saved(image or chart(), "BMP")
    offset = int.from_bytes(plain[10:14], "little")
    header = bytearray(124 if icc else 108)
    header[4:40] = plain[18:54]
    struct.pack_into("<I", header, 0, len(header))
    header[56:60] = kind
    struct.pack_into(
        "<9i3I", header, 60, *(round(end * 2**30) for end in ends), *(round(g * 65_536) for g in gammas)
    )
    body = plain[54:offset] + plain[offset:]
    if icc:
        struct.pack_into("<II", header, 112, len(header) + len(body), len(icc))
    start = 14 + len(header) + (offset - 54)
    return (
        b"BM"
        + struct.pack("<IHHI", 14 + len(header) + len(body) + len(icc), 0, 0, start)
        + header
        + body
        + icc
    )


def test_a_bmp_has_the_colours_of_the_profile_in_it() -> None:
    result = render(bmp(b"DEBM", icc=samples.display_p3()))
    assert_chart(opened(result), UNCHANGED, DISPLAY_P3)
    assert "color_converted" in codes(result)
    grey = opened(render(bmp(b"DEBM", icc=LINEAR_SRGB, image=chart("L"))))
    assert_chart(grey, LINEAR, None)


P3_ENDS = (0.4866, 0.2290, 0.0, 0.2657, 0.6917, 0.0451, 0.1982, 0.0793, 1.0439)


@pytest.mark.parametrize(
    ("kind", "ends", "gammas", "greys", "colors"),
    [
        # As a PNG with the same gamma and primaries; browsers ignore these fields.
        pytest.param(b"\0\0\0\0", P3_ENDS, (2.2,) * 3, GAMMA_2_2, P3_GAMMA_2_2, id="XYZ"),
        pytest.param(
            b"\0\0\0\0", (0.68, 0.32, 0, 0.265, 0.69, 0.045, 0.15, 0.06, 0.79), (2.2,) * 3, GAMMA_2_2, P3_GAMMA_2_2, id="xyz"
        ),
        pytest.param(b"\0\0\0\0", (0.0,) * 9, (2.2,) * 3, UNCHANGED, COLORS, id="no endpoints"),
        pytest.param(b"\0\0\0\0", P3_ENDS, (0.0,) * 3, UNCHANGED, COLORS, id="no gamma"),
        pytest.param(b"BGRs", P3_ENDS, (1.0,) * 3, UNCHANGED, COLORS, id="called sRGB"),
        pytest.param(b" niW", P3_ENDS, (1.0,) * 3, UNCHANGED, COLORS, id="called Windows's"),
    ],
)  # fmt: skip
def test_a_bmp_has_the_colours_of_its_endpoints_and_gammas(
    kind: bytes,
    ends: tuple[Any, ...],
    gammas: tuple[float, float, float],
    greys: list[int],
    colors: list[tuple[int, int, int]],
) -> None:
    assert_chart(opened(render(bmp(kind, ends, gammas))), greys, colors)


def jp2(
    image: Image.Image, colr: bytes | None = None, cdef: list[tuple[int, int, int]] | None = None
) -> bytes:
    """Return a lossless JP2 with another `colr` box, and a `cdef` box of (number, kind, association)."""
    data = saved(image, "JPEG2000", irreversible=False)
    start = data.index(b"jp2h") - 4
    end = start + int.from_bytes(data[start : start + 4], "big")
    header = data[start:end]
    if colr:
        at = header.index(b"colr") - 4
        size = int.from_bytes(header[at : at + 4], "big")
        header = header[:at] + (len(colr) + 8).to_bytes(4, "big") + b"colr" + colr + header[at + size :]
    if cdef:
        at = header.find(b"cdef")
        header = header[: at - 4] if at >= 0 else header
        body = struct.pack(">H", len(cdef)) + b"".join(struct.pack(">3H", *entry) for entry in cdef)
        header += (len(body) + 8).to_bytes(4, "big") + b"cdef" + body
    return data[:start] + len(header).to_bytes(4, "big") + header[4:] + data[end:]


@pytest.mark.parametrize("method", [2, 3])
def test_a_jp2_has_the_colours_of_the_profile_in_it(method: int) -> None:
    source = open(jp2(tiled_chart(), colr=bytes([method, 0, 0]) + samples.display_p3()))
    assert source.facts.profile == "Display P3"
    assert_chart(small(opened(source.render(Recipe.parse({"format": "png"})))), UNCHANGED, DISPLAY_P3)


def test_a_jp2_has_the_colours_of_its_code_points() -> None:
    result = render(jp2(tiled_chart(), colr=b"\x05\0\0" + struct.pack(">3HB", 12, 13, 0, 128)))
    assert_chart(small(opened(result)), UNCHANGED, DISPLAY_P3)


@pytest.mark.parametrize(
    ("mode", "order", "cdef"),
    [
        ("RGB", "BGR", [(0, 0, 3), (1, 0, 2), (2, 0, 1)]),
        ("RGB", "GRB", [(1, 0, 1), (0, 0, 2), (2, 0, 3)]),
        ("RGBA", "ARGB", [(0, 1, 0), (1, 0, 1), (2, 0, 2), (3, 0, 3)]),
        ("LA", "AL", [(0, 1, 0), (1, 0, 1)]),
    ],
)
def test_the_channels_of_a_jp2_are_in_the_order_it_says(
    mode: str, order: str, cdef: list[tuple[int, int, int]]
) -> None:
    wanted = samples.quarters((64, 48)).convert(mode)
    if "A" in mode:
        wanted.putalpha(Image.linear_gradient("L").resize((64, 48)))
    stored = Image.merge(mode, [wanted.getchannel(channel) for channel in order])
    found = opened(render(jp2(stored, cdef=cdef)))
    assert found.mode in (mode, "P")
    assert found.convert(mode).tobytes() == wanted.tobytes()


def test_premultiplied_and_unspecified_channels_of_a_jp2_are_interpreted() -> None:
    stored = Image.merge("RGBA", [Image.new("L", (32, 32), value) for value in (100, 50, 25, 128)])
    colors = [(0, 0, 1), (1, 0, 2), (2, 0, 3)]
    premultiplied = opened(render(jp2(stored, cdef=[*colors, (3, 2, 0)])))
    assert is_near(pixel(premultiplied, (5, 5)), (199, 100, 50, 128), 1)
    unspecified = opened(render(jp2(stored, cdef=[*colors, (3, 65_535, 65_535)])))
    assert unspecified.convert("RGBA").getpixel((5, 5)) == (100, 50, 25, 255)
