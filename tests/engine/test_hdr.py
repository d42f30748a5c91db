"""HDR and 16-bit images become 8-bit without visible loss."""

from __future__ import annotations

import math
import struct
import zlib

import pytest
from PIL import Image, ImageStat

from converter.engine import FORMATS, Recipe
from converter.engine.raster import open
from tests.engine.color_charts import (
    COLORS,
    DISPLAY_P3,
    GREYS,
    LINEAR_SRGB,
    assert_chart,
    at_once,
    avif,
    chart,
    cicp,
    embedded,
    gamma,
    png,
    small,
)
from tests.engine.rendering import WRITTEN, codes, render
from tests.engine.samples import pixel

from . import samples
from .samples import chunk, is_near, opened, saved


def pq(nits: float) -> float:
    """Return the code value, 0 to 255, of a luminance (SMPTE ST 2084)."""
    y: float = (nits / 10_000) ** 0.1593017578125
    return float(255 * ((0.8359375 + 18.8515625 * y) / (1 + 18.6875 * y)) ** 78.84375)


def hlg(nits: float) -> float:
    """Return the code value, 0 to 255, on a display of 1000 cd/m² (BT.2100)."""
    scene = (nits / 1000) ** (1 / 1.2)
    return 255 * (
        (3 * scene) ** 0.5 if scene <= 1 / 12 else 0.17883277 * math.log(12 * scene - 0.28466892) + 0.55991073
    )


TRANSFERS = {"PQ": (16, pq), "HLG": (18, hlg)}


def light(level: float) -> float:
    level /= 255
    return level / 12.92 if level <= 0.04045 else ((level + 0.055) / 1.055) ** 2.4


def in_hdr(image: Image.Image, transfer: str, sun: int | None = None) -> bytes:
    """Return the scene in BT.2100, with white at 203 cd/m² as in BT.2408 and a few pixels of sun."""
    code_point, code = TRANSFERS[transfer]
    table = [round(code(203 * light(level))) for level in range(256)]
    hdr = image.point(table * 3)
    if sun:
        hdr.paste((round(code(sun)),) * 3, (0, 0, 8, 8))
    return png(cicp(1, code_point), image=hdr)


def luma(image: Image.Image) -> tuple[float, float]:
    found = ImageStat.Stat(image.convert("L"))
    return found.mean[0], found.stddev[0]


@pytest.mark.parametrize("transfer", ["PQ", "HLG"])
def test_an_ordinary_scene_in_hdr_comes_out_as_it_went_in(transfer: str) -> None:
    scene = samples.photo()
    result = render(in_hdr(scene, transfer))
    assert {"color_converted", "tone_mapped"} <= codes(result)
    (mean, deviation), (wanted, spread) = luma(opened(result)), luma(scene)
    assert abs(mean / wanted - 1) < 0.02
    assert abs(deviation / spread - 1) < 0.04


@pytest.mark.parametrize("transfer", ["PQ", "HLG"])
@pytest.mark.parametrize("scene", [samples.photo(), samples.quarters()], ids=["photo", "quarters"])
def test_highlights_leave_the_rest_of_an_hdr_picture_as_bright_as_its_sdr_twin(
    transfer: str, scene: Image.Image
) -> None:
    image = opened(render(in_hdr(scene, transfer, sun=900))).convert("RGB")
    assert min(pixel(image, (2, 2))) > 250
    (mean, deviation), (wanted, spread) = luma(image), luma(scene)
    assert abs(mean / wanted - 1) < 0.08
    assert abs(deviation / spread - 1) < 0.2


@pytest.mark.parametrize(("primaries", "code_point"), [(9, 16), (9, 18), (1, 16), (12, 16), (12, 18)])
def test_hdr_has_true_blacks_and_no_cast(primaries: int, code_point: int) -> None:
    ramp = Image.frombytes("L", (256, 1), bytes(range(256))).resize((256, 8))
    image = opened(render(png(cicp(primaries, code_point), image=ramp.convert("RGB")))).convert("RGB")
    row = [pixel(image, (at, 4)) for at in range(256)]
    assert row[0] == (0, 0, 0)
    assert row[255] == (255, 255, 255)
    assert all(max(color) - min(color) <= 1 for color in row)
    assert row == sorted(row)


def test_pq_without_highlights_is_as_in_chromium() -> None:
    image = chart()
    image = image.point([min(level, round(pq(203))) for level in range(256)] * 3)
    # Chromium with a cLLI chunk of 203 cd/m².
    wanted = [0, 0, 0, 2, 10, 44, 98, 181, 255, 255, 255, 255]
    assert_chart(opened(render(png(cicp(9, 16), image=image))), wanted, None, 2)


def test_hdr_in_a_profile_with_code_points_is_tone_mapped_too() -> None:
    icc = samples.with_cicp(samples.display_p3("Wide"), 9, 16)
    result = render(saved(chart(), "PNG", icc_profile=icc), color="keep")
    assert {"color_converted", "tone_mapped"} <= codes(result)
    assert opened(result).tobytes() == opened(render(png(cicp(9, 16)))).tobytes()


def test_hdr_of_an_avif_is_tone_mapped_and_said() -> None:
    source = open(avif(9, 16))
    assert source.facts.profile == "BT.2100 PQ"
    for color in ("srgb", "keep"):
        result = source.render(Recipe.parse({"format": "png", "color": color}))
        assert {"color_converted", "tone_mapped"} <= codes(result)
        assert "profile_kept" not in codes(result)
        assert_chart(small(opened(result)), colors_of_pq(), None, 3)


def colors_of_pq() -> list[int]:
    image = opened(render(png(cicp(9, 16)))).convert("RGB")
    return [pixel(image, (at, 0))[0] for at in range(len(GREYS))]


def test_the_frames_of_an_hdr_animation_have_one_white() -> None:
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


CHANNELS = {0: 1, 4: 2, 2: 3, 6: 4}


def deep_png(values: list[int], color_type: int, *chunks: tuple[bytes, bytes]) -> bytes:
    """Return one row of 16-bit samples; colour type 0 is grey, 4 grey with alpha, 2 RGB and 6 RGBA."""
    across = len(values) // CHANNELS[color_type]
    row = b"\0" + struct.pack(f">{len(values)}H", *values)
    body = chunk(b"IHDR", struct.pack(">IIBBBBB", across, 1, 16, color_type, 0, 0, 0))
    body += b"".join(chunk(*one) for one in chunks)
    return b"\x89PNG\r\n\x1a\n" + body + chunk(b"IDAT", zlib.compress(row)) + chunk(b"IEND", b"")


def linear(level: int) -> int:
    return round(65_535 * light(level))


LEVELS = list(range(256))


@pytest.mark.parametrize(
    ("color_type", "icc"),
    [
        (0, samples.gray_profile((1.0,))),
        (0, LINEAR_SRGB),
        (4, samples.gray_profile((1.0,))),
        (4, LINEAR_SRGB),
        (2, LINEAR_SRGB),
        (6, LINEAR_SRGB),
    ],
    ids=["grey", "grey by RGB", "grey and alpha", "grey and alpha by RGB", "RGB", "RGBA"],
)
def test_linear_16_bits_of_a_png_keep_their_shadows(color_type: int, icc: bytes) -> None:
    channels = CHANNELS[color_type]
    alpha = channels - 1 if channels in (2, 4) else None
    values = [
        30_000 if channel == alpha else linear(level) for level in LEVELS for channel in range(channels)
    ]
    result = render(deep_png(values, color_type, embedded(icc)), depth=8)
    assert "color_converted" in codes(result)
    image = opened(result).convert("RGBA")
    for level in LEVELS:
        assert image.getpixel((level, 0)) == (level, level, level, 255 if alpha is None else 117)


def test_a_steep_curve_without_a_value_between_two_levels_is_left_to_littlecms() -> None:
    # From a half on (300 x - 150)^-400, which is too large for a number just above it; x before.
    numbers = (-400, 300, -150, 1, 0.5)
    curve = b"para\0\0\0\0\0\3\0\0" + struct.pack(">5i", *(round(65_536 * number) for number in numbers))
    icc = samples.rgb_profile("Odd")
    at = icc.index(b"para")
    icc = icc.replace(icc[at : at + len(curve)], curve)
    values = [linear(level) for level in LEVELS for _ in range(3)]
    for depth in (8, "keep"):
        assert render(deep_png(values, 2, embedded(icc)), depth=depth).width == len(LEVELS)


@pytest.mark.parametrize("target", [name for name in WRITTEN if FORMATS[name].icc])
def test_linear_16_bits_leave_no_profile_behind(target: str) -> None:
    values = [linear(level) for level in LEVELS for _ in range(3)]
    result = render(deep_png(values, 2, embedded(LINEAR_SRGB)), format=target)
    assert "color_converted" not in codes(render(result.data))


def test_linear_16_bits_of_code_points_and_gamma_keep_theirs_too() -> None:
    values = [linear(level) for level in LEVELS for _ in range(3)]
    for one in (gamma(100_000), cicp(1, 8)):
        image = opened(render(deep_png(values, 2, one), depth=8)).convert("RGB")
        assert [pixel(image, (level, 0))[0] for level in LEVELS] == LEVELS


@pytest.mark.parametrize("endian", ["<", ">"])
@pytest.mark.parametrize("compress", [False, True])
def test_linear_16_bits_of_a_tiff_keep_their_shadows(endian: str, compress: bool) -> None:
    values = [linear(level) for level in LEVELS for _ in range(3)]
    body = struct.pack(f"{endian}{len(values)}H", *values)
    tags = {258: [16, 16, 16], 262: 2, 277: 3, 34675: LINEAR_SRGB}
    image = opened(render(samples.tiff((256, 1), body, tags, endian, compress), depth=8)).convert("RGB")
    assert [pixel(image, (level, 0))[0] for level in LEVELS] == LEVELS


@pytest.mark.parametrize("channels", [1, 3])
def test_linear_floats_and_12_bits_of_a_tiff_keep_their_shadows_too(channels: int) -> None:
    icc = samples.gray_profile((1.0,)) if channels == 1 else LINEAR_SRGB
    tags = {262: 1 if channels == 1 else 2, 277: channels, 34675: icc}
    floats = struct.pack(f"<{256 * channels}f", *(light(level) for level in LEVELS for _ in range(channels)))
    data = samples.tiff((256, 1), floats, {**tags, 258: [32] * channels, 339: [3] * channels})
    image = opened(render(data, depth=8)).convert("RGB")
    assert [pixel(image, (level, 0))[0] for level in LEVELS] == LEVELS
    samples_of_12 = [round(4095 * light(level)) for level in LEVELS for _ in range(channels)]
    packed = int("".join(f"{sample:012b}" for sample in samples_of_12), 2).to_bytes(384 * channels, "big")
    image = opened(render(samples.tiff((256, 1), packed, {**tags, 258: [12] * channels}), depth=8)).convert(
        "RGB"
    )
    assert is_near([pixel(image, (level, 0))[0] for level in LEVELS[16:]], LEVELS[16:], 1)


@pytest.mark.long
def test_linear_16_bits_in_wide_primaries_become_srgb() -> None:
    wide = ((0.515102, 0.241182, -0.001050), (0.291965, 0.692236, 0.041882), (0.157153, 0.066582, 0.784378))
    values = [linear(channel) for color in COLORS for channel in color]
    data = deep_png(values, 2, embedded(samples.rgb_profile("Wide", wide, curve=(1.0,))))
    image = opened(render(data)).convert("RGB")
    for at, color in enumerate(DISPLAY_P3):
        assert is_near(pixel(image, (at, 0)), color, 1)
    result, image = at_once(data, color="keep")
    assert {"profile": "Wide"} in [note.params for note in result.report.notes if note.code == "profile_kept"]
    assert is_near(pixel(image.convert("RGB"), (0, 0)), [linear(channel) >> 8 for channel in COLORS[0]], 1)


@pytest.mark.parametrize("transfer", ["PQ", "HLG"])
def test_hdr_of_16_bits_comes_out_without_steps(transfer: str) -> None:
    code_point, code = TRANSFERS[transfer]
    values = [round(257 * code(203 * light(level))) for level in LEVELS for _ in range(3)]
    result = render(deep_png(values, 2, cicp(1, code_point)), color="keep")
    assert {"color_converted", "tone_mapped"} <= codes(result)
    image = opened(result).convert("RGB")
    found = [pixel(image, (level, 0))[0] for level in LEVELS]
    assert len(set(found)) > 245
    assert is_near(found, LEVELS, 2)
    coarse = opened(render(png(cicp(1, code_point), image=chart()))).convert("RGB")
    fine = [257 * channel for at in range(12) for channel in pixel(chart(), (at, 0))]
    again = opened(render(deep_png(fine, 2, cicp(1, code_point)))).convert("RGB")
    for at in range(12):
        assert is_near(pixel(again, (at, 0)), pixel(coarse, (at, 0)), 1)
