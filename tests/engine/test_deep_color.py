"""Wide-gamut, linear and HDR colours become 16-bit sRGB. LittleCMS, from another wheel, is the reference."""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO
from typing import Any

import imagecodecs
import numpy as np
import pyjpegxl
import pytest
import tifffile

from converter.engine import Recipe
from converter.engine.raster import deep_color
from converter.engine.raster.codecs.png_chunks import made
from tests.engine import samples
from tests.engine.color_charts import cicp, embedded
from tests.engine.rendering import codes, render

WIDTH, HEIGHT = 61, 47
NEAR = 24
"""Tolerance out of 65,535: LittleCMS itself rounds interpolated values."""

EXACT = int(imagecodecs.CMS.FLAGS.NOOPTIMIZE)

PRO_PHOTO = (
    (0.797668, 0.288040, 0.0),
    (0.135181, 0.711853, 0.0),
    (0.031342, 0.000107, 0.824890),
)
PROFILES = {
    "Display P3": samples.display_p3(),
    "gamma 1.8": samples.rgb_profile("ProPhoto RGB", PRO_PHOTO, curve=(1.8,)),
    "linear": samples.rgb_profile("Linear", curve=(1.0,)),
    "table": samples.rgb_profile("Table", curve=tuple(round(at**2 / 65_535) for at in range(0, 65_536, 257))),
}


def picture(channels: int) -> Any:
    """Return a grey ramp with colours of all kinds."""
    pixels = np.random.default_rng(5).integers(0, 65_536, (HEIGHT, WIDTH, channels)).astype(np.uint16)
    pixels[:8, :, :3] = np.linspace(0, 65_535, WIDTH).round().astype(np.uint16)[:, np.newaxis]
    return pixels if channels > 1 else pixels[..., 0]


def as_png(pixels: Any, icc: bytes) -> bytes:
    data = bytes(imagecodecs.png_encode(pixels))
    return data[:33] + made(*embedded(icc)) + data[33:]


def as_tiff(pixels: Any, icc: bytes) -> bytes:
    file = BytesIO()
    is_gray = pixels.ndim == 2
    tifffile.imwrite(
        file,
        pixels,
        photometric="minisblack" if is_gray else "rgb",
        extrasamples=["unassalpha"] if not is_gray and pixels.shape[2] == 4 else None,
        iccprofile=icc,
    )
    return file.getvalue()


def as_jxl(pixels: Any, icc: bytes) -> bytes:
    data: bytes = pyjpegxl.encode_from_numpy(pixels, lossless=True, icc=icc)
    return data


def in_srgb(pixels: Any, icc: bytes) -> Any:
    kind = "gray" if pixels.ndim == 2 else "rgb"
    srgb = samples.gray_profile(None) if kind == "gray" else samples.srgb_profile()
    return imagecodecs.cms_transform(
        pixels[..., :3] if kind == "rgb" else pixels,
        icc,
        srgb,
        colorspace=kind,
        outcolorspace=kind,
        flags=EXACT,
    )


def apart(found: Any, wanted: Any) -> int:
    return int(np.abs(found.astype(int) - wanted.astype(int)).max())


def deep(data: bytes, **recipe: Any) -> Any:
    """Return the pixels as PNG, after checking that colours were converted and all bits kept."""
    result = render(data, **recipe)
    assert {"bits_kept", "color_converted"} <= codes(result)
    pixels = imagecodecs.png_decode(result.data)
    assert pixels.dtype == np.uint16
    return pixels


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("write", [as_png, as_tiff, as_jxl])
@pytest.mark.parametrize("channels", [3, 4])
def test_colours_are_converted_in_sixteen_bits(
    profile: str, write: Callable[[Any, bytes], bytes], channels: int
) -> None:
    pixels, icc = picture(channels), PROFILES[profile]
    found = deep(write(pixels, icc))
    assert apart(found[..., :3], in_srgb(pixels, icc)) <= NEAR
    assert np.array_equal(found[..., 3:], pixels[..., 3:])
    assert np.ptp(found[:8, :, :3].astype(int), axis=2).max() <= 1
    assert found[0, 0, :3].tolist() == [0, 0, 0]
    assert found[0, -1, :3].tolist() == [65_535] * 3


@pytest.mark.parametrize("curve", [(1.0,), (1.8,), (2.6,)])
def test_the_curve_of_grey_is_applied_in_sixteen_bits(curve: tuple[float]) -> None:
    pixels, icc = picture(1), samples.gray_profile(curve)
    assert apart(deep(as_png(pixels, icc)), in_srgb(pixels, icc)) <= NEAR
    in_rgb = samples.rgb_profile("Curve", curve=curve)  # equivalent for grey
    assert apart(deep(as_png(pixels, in_rgb)), in_srgb(pixels, icc)) <= NEAR


@pytest.mark.parametrize("code_point", [16, 18], ids=["PQ", "HLG"])
def test_hdr_is_tone_mapped_in_sixteen_bits_as_in_eight(code_point: int) -> None:
    data = bytes(imagecodecs.png_encode(picture(3)))
    data = data[:33] + made(*cicp(9, code_point)) + data[33:]
    fine, coarse = deep(data), imagecodecs.png_decode(render(data, depth=8).data)
    assert np.median(np.abs(fine / 257 - coarse)) <= 0.5
    assert len(np.unique(fine)) > 256


def test_pages_of_several_colours_are_each_converted() -> None:
    file = BytesIO()
    with tifffile.TiffWriter(file) as writer:
        writer.write(picture(3), photometric="rgb", iccprofile=PROFILES["linear"])
        writer.write(picture(3), photometric="rgb")
        writer.write(picture(3), photometric="rgb", iccprofile=PROFILES["Display P3"])
    with tifffile.TiffFile(BytesIO(render(file.getvalue(), format="tiff").data)) as pages:
        first, second, third = [page.asarray() for page in pages.pages]
    assert apart(first, in_srgb(picture(3), PROFILES["linear"])) <= NEAR
    assert np.array_equal(second, picture(3))
    assert apart(third, in_srgb(picture(3), PROFILES["Display P3"])) <= NEAR


def test_an_eight_bit_result_does_not_depend_on_other_outputs() -> None:
    data = as_tiff(picture(3), PROFILES["linear"])
    recipes = [Recipe.parse({"format": "png", **options}) for options in ({"depth": 8}, {}, {"depth": 8})]
    eight, sixteen, again = samples.render_all(data, *recipes)
    assert eight.data == again.data == render(data, depth=8).data
    assert apart(imagecodecs.png_decode(sixteen.data), in_srgb(picture(3), PROFILES["linear"])) <= NEAR


def test_a_curve_of_nonsense_is_left_to_the_eight_bits_of_littlecms() -> None:
    icc = bytearray(samples.rgb_profile("Odd", curve=(1.8,)))
    at = icc.index(b"para") + 8
    icc[at : at + 2] = b"\0\1"  # a curve type with three parameters, of which only one is present
    result = render(as_png(picture(3), bytes(icc)))
    assert "bits_kept" not in codes(result) or "color_converted" not in codes(result)


@pytest.mark.parametrize("curve", [(65_535, 0), (65_535, 20_000, 0)])
def test_a_negative_has_the_same_colours_in_eight_bits_as_with_littlecms(curve: tuple[int, ...]) -> None:
    icc = samples.rgb_profile("Negative", curve=curve)
    found = imagecodecs.png_decode(render(as_png(picture(3), icc), depth=8).data)
    assert np.abs(found - in_srgb(picture(3) // 256 * 257, icc) / 257).max() <= 1


@pytest.mark.parametrize("kind", [b"link", b"abst"])
def test_a_profile_that_describes_no_device_is_not_applied_at_any_depth(kind: bytes) -> None:
    icc = PROFILES["Display P3"]
    result = render(as_png(picture(3), icc[:12] + kind + icc[16:]))
    assert "profile_unusable" in codes(result)
    assert np.array_equal(imagecodecs.png_decode(result.data), picture(3))


def test_eight_bits_are_converted_where_sixteen_find_no_room(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any) -> None:
        raise MemoryError

    monkeypatch.setattr(deep_color, "_converted", full)
    result = render(as_png(picture(3), PROFILES["Display P3"]), format="png")
    assert {"bits_reduced", "color_converted"} <= codes(result)
