"""Colours are what the file says, by any of the ways that its format has.

Unless another witness is named, the right values are those of Chromium's canvas in sRGB (version 156).
"""

from __future__ import annotations

import math
import struct
import zlib

import pytest
from PIL import Image, ImageStat

from converter.engine import Recipe
from converter.engine.raster import open

from . import samples
from .samples import is_near, opened, saved

# A row of greys, then one colour a pixel.
GREYS = [0, 1, 4, 16, 32, 64, 96, 128, 160, 192, 224, 255]
COLORS = [(200, 40, 30), (30, 200, 40), (40, 30, 200), (200, 180, 60), (224, 172, 140)]

# What those greys become.
UNCHANGED = GREYS
LINEAR = [0, 13, 34, 71, 99, 137, 165, 188, 208, 225, 241, 255]
GAMMA_1_8 = [0, 0, 2, 20, 43, 81, 115, 146, 176, 203, 230, 255]
GAMMA_2_2 = [0, 0, 0, 7, 26, 62, 96, 129, 161, 193, 225, 255]
GAMMA_2_4 = [0, 0, 0, 4, 20, 54, 87, 121, 155, 189, 222, 255]
GAMMA_2_8 = [0, 0, 0, 1, 10, 40, 72, 106, 142, 179, 217, 255]
SMPTE_240 = [0, 3, 13, 34, 50, 81, 112, 141, 170, 199, 228, 255]
CINEMA = [0, 0, 0, 3, 15, 48, 83, 118, 154, 191, 228, 255]

# And the colours, where only the primaries differ from sRGB's.
DISPLAY_P3 = [(218, 0, 4), (0, 204, 0), (42, 30, 208), (204, 179, 8), (234, 169, 135)]
BT_2020 = [(249, 0, 6), (0, 211, 0), (0, 21, 210), (216, 178, 0), (252, 164, 134)]
IN_LINEAR = [(229, 110, 96), (96, 229, 110), (110, 96, 229), (229, 219, 133), (241, 214, 196)]
P3_GAMMA_2_2 = [(220, 0, 0), (0, 205, 0), (37, 23, 210), (205, 181, 0), (234, 171, 136)]
ADOBE_RGB = [(233, 35, 23), (0, 201, 0), (39, 24, 205), (208, 181, 42), (241, 174, 140)]

SRGB_POINTS = (31270, 32900, 64000, 33000, 30000, 60000, 15000, 6000)
P3_POINTS = (31270, 32900, 68000, 32000, 26500, 69000, 15000, 6000)


def chart(mode="RGB"):
    image = Image.new("RGB", (12, 2))
    for at, level in enumerate(GREYS):
        image.putpixel((at, 0), (level,) * 3)
    for at, color in enumerate(COLORS):
        image.putpixel((at, 1), color)
    return image.convert(mode)


def render(data, **recipe):
    return open(data).render(Recipe.parse({"format": "png", **recipe}))


def codes(result):
    return {note.code for note in (*result.report.notes, *result.report.warnings)}


def assert_chart(image, greys=UNCHANGED, colors=COLORS, distance=1):
    image = image.convert("RGB")
    found = [image.getpixel((at, 0)) for at in range(len(GREYS))]
    for pixel, level in zip(found, greys, strict=True):
        assert is_near(pixel, (level,) * 3, distance), f"{found}, not {greys}"
    found = [image.getpixel((at, 1)) for at in range(len(COLORS))]
    for pixel, color in zip(found, colors or found, strict=True):
        assert is_near(pixel, color, distance), f"{found}, not {colors}"


def chunk(kind, body):
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(*chunks, image=None):
    """The chart with these chunks before its pixels."""
    data = saved(image or chart(), "PNG")
    return data[:33] + b"".join(chunk(*one) for one in chunks) + data[33:]


def cicp(primaries, transfer, matrix=0, full=1):
    return b"cICP", bytes([primaries, transfer, matrix, full])


def gamma(value):
    return b"gAMA", struct.pack(">I", value)


def points(values):
    return b"cHRM", struct.pack(">8I", *values)


def embedded(icc):
    return b"iCCP", b"profile\0\0" + zlib.compress(icc)


LINEAR_SRGB = samples.rgb_profile("sRGB", curve=(1.0,))


@pytest.mark.parametrize(
    ("chunks", "greys", "colors"),
    [
        pytest.param([gamma(100_000)], LINEAR, IN_LINEAR, id="gamma alone"),
        pytest.param([gamma(55_556)], GAMMA_1_8, None, id="gamma of old Macintoshes"),
        pytest.param([gamma(45_455)], UNCHANGED, COLORS, id="gamma of a screen"),
        pytest.param([gamma(44_000)], UNCHANGED, COLORS, id="gamma nearly of a screen"),
        pytest.param([gamma(45_455), points(SRGB_POINTS)], GAMMA_2_2, None, id="gamma and primaries"),
        pytest.param([gamma(45_455), points(P3_POINTS)], GAMMA_2_2, P3_GAMMA_2_2, id="wide primaries"),
        pytest.param([points(P3_POINTS)], UNCHANGED, COLORS, id="primaries alone"),
        pytest.param([gamma(100_000), (b"sRGB", b"\0")], UNCHANGED, COLORS, id="sRGB before gamma"),
        pytest.param([cicp(12, 13)], UNCHANGED, DISPLAY_P3, id="cICP"),
        pytest.param([cicp(12, 13), (b"sRGB", b"\0")], UNCHANGED, DISPLAY_P3, id="cICP before sRGB"),
        pytest.param([cicp(12, 13), embedded(LINEAR_SRGB)], UNCHANGED, DISPLAY_P3, id="cICP before ICC"),
        pytest.param(
            [gamma(45_455), points(P3_POINTS), embedded(LINEAR_SRGB)],
            LINEAR,
            IN_LINEAR,
            id="ICC before gamma",
        ),
        pytest.param([cicp(1, 12), gamma(100_000)], LINEAR, IN_LINEAR, id="unknown code points"),
        pytest.param([cicp(12, 13, 0, 0)], UNCHANGED, COLORS, id="cICP of video"),
        pytest.param([gamma(0)], UNCHANGED, COLORS, id="no gamma at all"),
        pytest.param([gamma(45_455), points((0,) * 8)], UNCHANGED, COLORS, id="no primaries at all"),
    ],
)
def test_a_png_has_the_colours_of_its_chunks(chunks, greys, colors):
    result = render(png(*chunks))
    assert_chart(opened(result), greys, colors)
    assert ("color_converted" in codes(result)) == ((greys, colors) != (UNCHANGED, COLORS))
    assert not opened(result).info.keys() & {"gamma", "chromaticity", "icc_profile"}
    assert b"cICP" not in result.data


@pytest.mark.parametrize("chunks", [[gamma(100_000)], [gamma(100_000), points(SRGB_POINTS)], [cicp(1, 8)]])
@pytest.mark.parametrize("mode", ["L", "LA"])
def test_a_grey_png_has_them_too_and_stays_grey(chunks, mode):
    image = chart(mode)
    if mode == "LA":
        image.putpixel((11, 1), (0, 7))
    result = opened(render(png(*chunks, image=image)))
    assert result.mode == mode
    assert_chart(result, LINEAR, None)
    if mode == "LA":
        assert result.getpixel((11, 1)) == (0, 7)


@pytest.mark.parametrize(
    ("transfer", "greys"),
    [
        (1, GAMMA_2_4),
        (4, GAMMA_2_2),
        (5, GAMMA_2_8),
        (6, GAMMA_2_4),
        (7, SMPTE_240),
        (8, LINEAR),
        (9, UNCHANGED),
        (13, UNCHANGED),
        (14, GAMMA_2_4),
        (17, CINEMA),
        (2, UNCHANGED),
    ],
)
def test_code_points_tell_the_curve(transfer, greys):
    assert_chart(opened(render(png(cicp(1, transfer)))), greys, None)


@pytest.mark.parametrize(
    ("primaries", "colors"),
    [
        (4, [(237, 19, 0), (0, 196, 0), (0, 65, 206), (214, 174, 29), (246, 168, 135)]),
        (5, [(204, 40, 30), (0, 200, 46), (40, 30, 199), (201, 180, 63), (226, 172, 140)]),
        (6, [(195, 49, 29), (57, 197, 37), (45, 41, 201), (198, 179, 58), (221, 173, 140)]),
        (8, [(227, 0, 1), (0, 206, 0), (39, 7, 207), (207, 180, 23), (239, 170, 135)]),
        (9, BT_2020),
        (10, [(255, 0, 61), (0, 255, 0), (0, 46, 213), (255, 153, 0), (255, 78, 140)]),
        (11, [(213, 0, 7), (0, 204, 0), (40, 26, 208), (203, 179, 11), (231, 170, 135)]),
        (12, DISPLAY_P3),
        (22, [(202, 50, 29), (0, 195, 39), (41, 50, 200), (200, 178, 59), (225, 172, 140)]),
        (2, COLORS),
    ],
)
def test_code_points_tell_the_primaries(primaries, colors):
    assert_chart(opened(render(png(cicp(primaries, 13)))), UNCHANGED, colors)


def tiled_chart():
    """The chart with room for an encoder that works in blocks."""
    return chart().resize((12 * 16, 2 * 32), Image.Resampling.NEAREST)


def small(image):
    return image.convert("RGB").reduce(1).resize((12, 2), Image.Resampling.NEAREST)


# AVIF is a little off in these strong colours, in Chromium as here.
P3_IN_AVIF = [(217, 0, 5), (0, 205, 0), (41, 30, 207), (203, 179, 3), (232, 169, 135)]


def avif(primaries, transfer, **arguments):
    data = bytearray(saved(tiled_chart(), "AVIF", quality=100, subsampling="4:4:4", speed=9, **arguments))
    at = data.index(b"colrnclx") + 8
    struct.pack_into(">HH", data, at, primaries, transfer)
    return bytes(data)


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
def test_an_avif_has_the_colours_of_its_code_points(primaries, transfer, greys, colors):
    source = open(avif(primaries, transfer))
    result = source.render(Recipe.parse({"format": "png"}))
    assert_chart(small(opened(result)), greys, colors, 4)
    assert (source.facts.profile is not None) == ("color_converted" in codes(result))


def test_a_profile_in_an_avif_goes_before_its_code_points():
    data = bytearray(
        saved(tiled_chart(), "AVIF", quality=100, subsampling="4:4:4", speed=9, icc_profile=LINEAR_SRGB)
    )
    assert_chart(small(opened(render(bytes(data)))), LINEAR, IN_LINEAR, 4)


def test_an_animated_avif_has_the_colours_of_its_code_points():
    second = tiled_chart().transpose(Image.Transpose.ROTATE_180)
    data = avif(12, 13, save_all=True, append_images=[second], duration=100)
    track = bytearray(data)
    at = data.rindex(b"colrnclx") + 8
    struct.pack_into(">HH", track, at, 12, 13)
    result = render(bytes(track), format="webp", lossless=True)
    assert_chart(small(opened(result)), UNCHANGED, DISPLAY_P3, 6)


def test_a_heic_has_the_colours_of_its_code_points():
    plain = (samples.FILES / "phone.heic").read_bytes()
    data = bytearray(plain)
    at = data.index(b"colrnclx") + 8
    struct.pack_into(">HH", data, at, 12, 13)
    before, result = opened(render(plain)).convert("RGB"), render(bytes(data))
    assert open(bytes(data)).facts.profile == "Display P3"
    assert "color_converted" in codes(result)
    # As a profile of Display P3 does in a PNG.
    after = opened(render(saved(before, "PNG", icc_profile=samples.display_p3()))).convert("RGB")
    difference = ImageStat.Stat(opened(result).convert("RGB")).mean
    assert is_near(difference, ImageStat.Stat(after).mean, 1)


def bmp(kind, ends=(0.0,) * 9, gammas=(0.0,) * 3, icc=b"", image=None):
    """The chart behind a header of version 4, or 5 when there is a profile."""
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


def test_a_bmp_has_the_colours_of_the_profile_in_it():
    result = render(bmp(b"DEBM", icc=samples.display_p3()))
    assert_chart(opened(result), UNCHANGED, DISPLAY_P3)
    assert "color_converted" in codes(result)
    grey = opened(render(bmp(b"DEBM", icc=LINEAR_SRGB, image=chart("L"))))
    assert_chart(grey, LINEAR, None)


P3_ENDS = (0.4866, 0.2290, 0.0, 0.2657, 0.6917, 0.0451, 0.1982, 0.0793, 1.0439)


@pytest.mark.parametrize(
    ("kind", "ends", "gammas", "greys", "colors"),
    [
        # As a PNG of the same gamma and primaries; browsers pass over these fields.
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
def test_a_bmp_has_the_colours_of_its_endpoints_and_gammas(kind, ends, gammas, greys, colors):
    assert_chart(opened(render(bmp(kind, ends, gammas))), greys, colors)


def jp2(image, colr=None, cdef=None):
    """A lossless JP2 with another `colr` box, and a `cdef` box of (number, kind, association)."""
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
def test_a_jp2_has_the_colours_of_the_profile_in_it(method):
    source = open(jp2(tiled_chart(), colr=bytes([method, 0, 0]) + samples.display_p3()))
    assert source.facts.profile == "Display P3"
    assert_chart(small(opened(source.render(Recipe.parse({"format": "png"})))), UNCHANGED, DISPLAY_P3)


def test_a_jp2_has_the_colours_of_its_code_points():
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
def test_the_channels_of_a_jp2_are_in_the_order_it_says(mode, order, cdef):
    wanted = samples.quarters((64, 48)).convert(mode)
    if "A" in mode:
        wanted.putalpha(Image.linear_gradient("L").resize((64, 48)))
    stored = Image.merge(mode, [wanted.getchannel(channel) for channel in order])
    found = opened(render(jp2(stored, cdef=cdef)))
    assert found.mode in (mode, "P")
    assert found.convert(mode).tobytes() == wanted.tobytes()


def test_premultiplied_and_unspecified_channels_of_a_jp2_are_taken_as_they_are_meant():
    stored = Image.merge("RGBA", [Image.new("L", (32, 32), value) for value in (100, 50, 25, 128)])
    colors = [(0, 0, 1), (1, 0, 2), (2, 0, 3)]
    premultiplied = opened(render(jp2(stored, cdef=[*colors, (3, 2, 0)])))
    assert is_near(premultiplied.getpixel((5, 5)), (199, 100, 50, 128), 1)
    unspecified = opened(render(jp2(stored, cdef=[*colors, (3, 65_535, 65_535)])))
    assert unspecified.convert("RGBA").getpixel((5, 5)) == (100, 50, 25, 255)


def adobe_rgb_by_exif(index="R03", color_space=65_535):
    block = Image.Exif()
    block[0x8769] = {0xA001: color_space, 0xA500: 2.2, 0xA005: {1: index, 2: b"0100"}}
    return block.tobytes()


def jpeg(**arguments):
    return saved(tiled_chart(), "JPEG", quality=100, subsampling=0, **arguments)


def test_a_camera_that_says_r03_means_adobe_rgb():
    source = open(jpeg(exif=adobe_rgb_by_exif()))
    assert source.facts.profile == "Adobe RGB (1998)"
    # Browsers pass over it; the values are those of a PNG with Adobe RGB's gamma and primaries in Chromium.
    assert_chart(small(opened(source.render(Recipe.parse({"format": "png"})))), GAMMA_2_2, ADOBE_RGB, 4)
    for exif in (adobe_rgb_by_exif("R98"), b"Exif\0\0II*\0\xff\xff\xff\xff"):
        assert_chart(small(opened(render(jpeg(exif=exif)))), UNCHANGED, COLORS, 4)
    profiled = jpeg(exif=adobe_rgb_by_exif(), icc_profile=samples.display_p3())
    assert open(profiled).facts.profile == "Display P3"


SRGB_TABLE = tuple(
    round(65_535 * (v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4))
    for v in (i / 1023 for i in range(1024))
)


@pytest.mark.parametrize("name", ["Scanner 12", "uRGB", "Linear"])
@pytest.mark.parametrize("curve", [None, SRGB_TABLE], ids=["parametric", "sampled"])
def test_srgb_is_known_by_what_is_in_the_profile(name, curve):
    result = render(saved(chart(), "PNG", icc_profile=samples.rgb_profile(name, curve=curve)))
    assert "color_converted" not in codes(result)
    assert_chart(opened(result), distance=0)


@pytest.mark.parametrize(
    "name", ["GIMP built-in Linear sRGB", "sRGB-elle-V2-g10.icc", "scRGB", "sRGB IEC61966-2.1"]
)
def test_a_linear_profile_is_linear_whatever_its_name(name):
    result = render(saved(chart(), "PNG", icc_profile=samples.rgb_profile(name, curve=(1.0,))))
    assert "color_converted" in codes(result)
    assert_chart(opened(result), LINEAR, IN_LINEAR)


@pytest.mark.parametrize("cut", [200, 260, 400])
def test_a_profile_that_ends_too_early_is_not_taken_for_srgb(cut):
    icc = samples.rgb_profile("sRGB", curve=SRGB_TABLE)
    damaged = icc[:-cut]
    result = render(saved(chart(), "PNG", icc_profile=damaged))
    assert codes(result) & {"profile_unusable", "color_converted"}


@pytest.mark.parametrize("name", ["sRGB", "DCI-P3 D65 Gamut with sRGB Transfer", "sRGB IEC61966-2.1", "c2"])
def test_display_p3_is_wide_whatever_its_name(name):
    result = render(saved(chart(), "PNG", icc_profile=samples.display_p3(name)))
    assert "color_converted" in codes(result)
    assert_chart(opened(result), UNCHANGED, DISPLAY_P3)


def test_a_grey_picture_takes_the_curve_of_an_rgb_profile():
    for format, arguments in (("PNG", {}), ("TIFF", {}), ("JPEG", {"quality": 100})):
        image = tiled_chart().convert("L")
        result = opened(render(saved(image, format, icc_profile=LINEAR_SRGB, **arguments)))
        assert result.mode == "L"
        assert_chart(small(result), LINEAR, None, 8 if format == "JPEG" else 1)


def at_once(data, **recipe):
    result = render(data, **recipe)
    return result, opened(result)


GRAY = samples.gray_gamma(1.8)


@pytest.mark.parametrize(
    "recipe",
    [
        {"format": "webp", "lossless": True},
        {"format": "png", "resize": {"mode": "pad", "width": 40, "height": 40}, "background": "#ff0000"},
        {"format": "png", "watermark": {"text": "mine"}},
        {"format": "jpeg", "watermark": {"text": "mine"}},
    ],
)
def test_a_grey_profile_never_lies_on_colours(recipe):
    grey = saved(Image.new("L", (64, 64), 128), "PNG", icc_profile=GRAY)
    result, image = at_once(grey, color="keep", **recipe)
    profile = image.info.get("icc_profile", b"")
    assert (profile[16:20] == b"GRAY") <= (image.mode in ("L", "LA"))
    if image.mode not in ("L", "LA"):
        assert not profile
        assert {"profile_not_fitting", "color_converted"} <= codes(result)
        assert "profile_kept" not in codes(result)


def test_a_grey_profile_with_the_curve_of_srgb_changes_nothing():
    icc = samples.gray_profile(curve=None)
    result = render(saved(chart("L"), "PNG", icc_profile=icc))
    assert "color_converted" not in codes(result)
    assert_chart(opened(result), UNCHANGED, None, 0)


def test_a_grey_profile_stays_with_greys():
    grey = saved(Image.new("L", (64, 64), 128), "PNG", icc_profile=GRAY)
    for target in ("png", "jpeg", "tiff"):
        result, image = at_once(grey, color="keep", format=target)
        assert (image.mode, image.info["icc_profile"]) == ("L", GRAY)
        assert "profile_kept" in codes(result)


def test_pages_of_different_profiles_all_become_srgb():
    wide = chart()
    wide.info["icc_profile"] = samples.display_p3()
    pages = saved(wide, "TIFF", save_all=True, append_images=[chart()])
    result, image = at_once(pages, color="keep", format="tiff")
    assert {"profile_not_fitting", "color_converted"} <= codes(result)
    for page, colors in enumerate((DISPLAY_P3, COLORS)):
        image.seek(page)
        assert 34675 not in image.tag_v2
        assert_chart(image, UNCHANGED, colors)


@pytest.mark.parametrize(
    ("data", "name", "colors"),
    [
        (png(cicp(12, 13)), "Display P3", DISPLAY_P3),
        (png(gamma(45_455), points(P3_POINTS)), "gamma 2.2", P3_GAMMA_2_2),
        (jpeg(exif=adobe_rgb_by_exif()), "Adobe RGB (1998)", ADOBE_RGB),
    ],
)
def test_colours_told_without_a_profile_can_be_kept_with_one(data, name, colors):
    result, image = at_once(data, color="keep")
    assert {"profile": name} in [note.params for note in result.report.notes if note.code == "profile_kept"]
    assert is_near(small(image).getpixel((0, 1)), COLORS[0], 4)
    again = opened(render(result.data))
    assert is_near(small(again).getpixel((0, 1)), colors[0], 4)


def exif_of(result):
    block = Image.Exif()
    block.load(opened(result).info["exif"])
    return block.get_ifd(0x8769)


XMP_COLORS = samples.XMP.replace(
    b"<photoshop:Country>",
    b"<exif:ColorSpace>65535</exif:ColorSpace><photoshop:ICCProfile>Adobe RGB (1998)</photoshop:ICCProfile><photoshop:Country>",
)


@pytest.mark.parametrize("target", ["jpeg", "webp", "tiff", "png"])
def test_after_conversion_all_tags_say_srgb(target):
    data = jpeg(exif=adobe_rgb_by_exif(), xmp=XMP_COLORS)
    result = render(data, format=target, metadata="keep")
    tags = exif_of(result) if target != "tiff" else opened(result).getexif().get_ifd(0x8769)
    assert tags[0xA001] == 1
    assert not tags.keys() & {0xA500, 0xA005}
    assert b"<exif:ColorSpace>1<" in result.data
    assert b"<photoshop:ICCProfile>sRGB IEC61966-2.1<" in result.data
    kept = render(data, format=target, metadata="keep", color="keep")
    tags = exif_of(kept) if target != "tiff" else opened(kept).getexif().get_ifd(0x8769)
    assert tags[0xA001] == 65_535
    assert b"<exif:ColorSpace>65535<" in kept.data


# --- HDR ---------------------------------------------------------------------------------------------------


def pq(nits):
    """The code, 0 to 255, of an amount of light (SMPTE ST 2084)."""
    y = (nits / 10_000) ** 0.1593017578125
    return 255 * ((0.8359375 + 18.8515625 * y) / (1 + 18.6875 * y)) ** 78.84375


def hlg(nits):
    """The code, 0 to 255, on a screen of 1000 cd/m² (BT.2100)."""
    scene = (nits / 1000) ** (1 / 1.2)
    return 255 * (
        (3 * scene) ** 0.5 if scene <= 1 / 12 else 0.17883277 * math.log(12 * scene - 0.28466892) + 0.55991073
    )


TRANSFERS = {"PQ": (16, pq), "HLG": (18, hlg)}


def light(level):
    level /= 255
    return level / 12.92 if level <= 0.04045 else ((level + 0.055) / 1.055) ** 2.4


def in_hdr(image, transfer, sun=None):
    """The same scene in BT.2100, white at 203 cd/m² as BT.2408 has it, and a few pixels of sun."""
    code_point, code = TRANSFERS[transfer]
    table = [round(code(203 * light(level))) for level in range(256)]
    hdr = image.point(table * 3)
    if sun:
        hdr.paste((round(code(sun)),) * 3, (0, 0, 8, 8))
    return png(cicp(1, code_point), image=hdr)


def luma(image):
    found = ImageStat.Stat(image.convert("L"))
    return found.mean[0], found.stddev[0]


@pytest.mark.parametrize("transfer", ["PQ", "HLG"])
def test_an_ordinary_scene_in_hdr_comes_out_as_it_went_in(transfer):
    scene = samples.photo()
    result = render(in_hdr(scene, transfer))
    assert {"color_converted", "tone_mapped"} <= codes(result)
    (mean, deviation), (wanted, spread) = luma(opened(result)), luma(scene)
    assert abs(mean / wanted - 1) < 0.02
    assert abs(deviation / spread - 1) < 0.04


@pytest.mark.parametrize("transfer", ["PQ", "HLG"])
@pytest.mark.parametrize("scene", [samples.photo(), samples.quarters()], ids=["photo", "quarters"])
def test_highlights_leave_the_rest_of_an_hdr_picture_as_bright_as_its_sdr_twin(transfer, scene):
    image = opened(render(in_hdr(scene, transfer, sun=900))).convert("RGB")
    assert min(image.getpixel((2, 2))) > 250
    (mean, deviation), (wanted, spread) = luma(image), luma(scene)
    assert abs(mean / wanted - 1) < 0.08
    assert abs(deviation / spread - 1) < 0.2


@pytest.mark.parametrize(("primaries", "code_point"), [(9, 16), (9, 18), (1, 16), (12, 16), (12, 18)])
def test_hdr_has_true_blacks_and_no_cast(primaries, code_point):
    ramp = Image.frombytes("L", (256, 1), bytes(range(256))).resize((256, 8))
    image = opened(render(png(cicp(primaries, code_point), image=ramp.convert("RGB")))).convert("RGB")
    row = [image.getpixel((at, 4)) for at in range(256)]
    assert row[0] == (0, 0, 0)
    assert row[255] == (255, 255, 255)
    assert all(max(pixel) - min(pixel) <= 1 for pixel in row)
    assert row == sorted(row)


def test_pq_without_highlights_is_as_in_chromium():
    image = chart()
    image = image.point([min(level, round(pq(203))) for level in range(256)] * 3)
    # Chromium with a cLLI chunk of 203 cd/m².
    wanted = [0, 0, 0, 2, 10, 44, 98, 181, 255, 255, 255, 255]
    assert_chart(opened(render(png(cicp(9, 16), image=image))), wanted, None, 2)


def test_hdr_in_a_profile_with_code_points_is_tone_mapped_too():
    icc = samples.with_cicp(samples.display_p3("Wide"), 9, 16)
    result = render(saved(chart(), "PNG", icc_profile=icc), color="keep")
    assert {"color_converted", "tone_mapped"} <= codes(result)
    assert opened(result).tobytes() == opened(render(png(cicp(9, 16)))).tobytes()


def test_hdr_of_an_avif_is_tone_mapped_and_said():
    source = open(avif(9, 16))
    assert source.facts.profile == "BT.2100 PQ"
    for color in ("srgb", "keep"):
        result = source.render(Recipe.parse({"format": "png", "color": color}))
        assert {"color_converted", "tone_mapped"} <= codes(result)
        assert "profile_kept" not in codes(result)
        assert_chart(small(opened(result)), colors_of_pq(), None, 3)


def colors_of_pq():
    image = opened(render(png(cicp(9, 16)))).convert("RGB")
    return [image.getpixel((at, 0))[0] for at in range(len(GREYS))]


def test_the_frames_of_an_hdr_animation_have_one_white():
    bright = Image.new("RGB", (64, 64), (190,) * 3)
    dim = Image.new("RGB", (64, 64), (150,) * 3)
    data = bytearray(
        saved(bright, "AVIF", quality=100, speed=9, save_all=True, append_images=[dim], duration=100)
    )
    at = -1
    while (at := data.find(b"colrnclx", at + 1)) >= 0:
        struct.pack_into(">HH", data, at + 8, 9, 16)
    frames = samples.frames_of(render(bytes(data), format="webp", lossless=True).data)
    first, second = (frame.getpixel((30, 30))[0] for frame, _ in frames)
    assert first > second + 20


# --- 16 bits -----------------------------------------------------------------------------------------------


def deep_png(values, color_type, *chunks):
    """One row of 16-bit samples; colour type 0 is grey, 2 RGB and 6 RGBA."""
    across = len(values) // {0: 1, 2: 3, 6: 4}[color_type]
    row = b"\0" + struct.pack(f">{len(values)}H", *values)
    body = chunk(b"IHDR", struct.pack(">IIBBBBB", across, 1, 16, color_type, 0, 0, 0))
    body += b"".join(chunk(*one) for one in chunks)
    return b"\x89PNG\r\n\x1a\n" + body + chunk(b"IDAT", zlib.compress(row)) + chunk(b"IEND", b"")


def linear(level):
    return round(65_535 * light(level))


LEVELS = list(range(256))


@pytest.mark.parametrize("color_type", [0, 2, 6])
def test_linear_16_bits_of_a_png_keep_their_shadows(color_type):
    channels = {0: 1, 2: 3, 6: 4}[color_type]
    icc = samples.gray_profile((1.0,)) if color_type == 0 else LINEAR_SRGB
    values = [30_000 if channel == 3 else linear(level) for level in LEVELS for channel in range(channels)]
    result = render(deep_png(values, color_type, embedded(icc)))
    assert "color_converted" in codes(result)
    image = opened(result).convert("RGBA")
    for level in LEVELS:
        assert image.getpixel((level, 0)) == (level, level, level, 117 if channels == 4 else 255)


def test_linear_16_bits_of_code_points_and_gamma_keep_theirs_too():
    values = [linear(level) for level in LEVELS for _ in range(3)]
    for one in (gamma(100_000), cicp(1, 8)):
        image = opened(render(deep_png(values, 2, one))).convert("RGB")
        assert [image.getpixel((level, 0))[0] for level in LEVELS] == LEVELS


@pytest.mark.parametrize("endian", ["<", ">"])
@pytest.mark.parametrize("compress", [False, True])
def test_linear_16_bits_of_a_tiff_keep_their_shadows(endian, compress):
    values = [linear(level) for level in LEVELS for _ in range(3)]
    body = struct.pack(f"{endian}{len(values)}H", *values)
    tags = {258: [16, 16, 16], 262: 2, 277: 3, 34675: LINEAR_SRGB}
    image = opened(render(samples.tiff((256, 1), body, tags, endian, compress))).convert("RGB")
    assert [image.getpixel((level, 0))[0] for level in LEVELS] == LEVELS


def test_linear_16_bits_in_wide_primaries_become_srgb():
    wide = ((0.515102, 0.241182, -0.001050), (0.291965, 0.692236, 0.041882), (0.157153, 0.066582, 0.784378))
    values = [linear(channel) for color in COLORS for channel in color]
    data = deep_png(values, 2, embedded(samples.rgb_profile("Wide", wide, curve=(1.0,))))
    image = opened(render(data)).convert("RGB")
    for at, color in enumerate(DISPLAY_P3):
        assert is_near(image.getpixel((at, 0)), color, 1)
    result, image = at_once(data, color="keep")
    assert {"profile": "Wide"} in [note.params for note in result.report.notes if note.code == "profile_kept"]
    assert is_near(image.convert("RGB").getpixel((0, 0)), [linear(channel) >> 8 for channel in COLORS[0]], 1)


@pytest.mark.parametrize("transfer", ["PQ", "HLG"])
def test_hdr_of_16_bits_comes_out_without_steps(transfer):
    code_point, code = TRANSFERS[transfer]
    values = [round(257 * code(203 * light(level))) for level in LEVELS for _ in range(3)]
    result = render(deep_png(values, 2, cicp(1, code_point)), color="keep")
    assert {"color_converted", "tone_mapped"} <= codes(result)
    image = opened(result).convert("RGB")
    found = [image.getpixel((level, 0))[0] for level in LEVELS]
    assert len(set(found)) > 245
    assert is_near(found, LEVELS, 2)
    coarse = opened(render(png(cicp(1, code_point), image=chart()))).convert("RGB")
    fine = [257 * channel for at in range(12) for channel in chart().getpixel((at, 0))]
    again = opened(render(deep_png(fine, 2, cicp(1, code_point)))).convert("RGB")
    for at in range(12):
        assert is_near(again.getpixel((at, 0)), coarse.getpixel((at, 0)), 1)
