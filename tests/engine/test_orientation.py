"""Every image is upright in the result, whatever orientation its file has."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageChops, ImageStat

from converter.engine import Recipe
from converter.engine.raster import open
from tests.engine.orientations import held_as
from tests.engine.rendering import codes, render
from tests.engine.samples import pixel

from . import samples
from .samples import is_near, opened, saved


@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_orientation_comes_out_upright(orientation: int) -> None:
    held = held_as(samples.quarters(), orientation)
    block = Image.Exif()
    block[0x0112] = orientation
    for format in ("JPEG", "PNG", "WEBP", "TIFF", "AVIF"):
        source = open(saved(held, format, exif=block.tobytes(), quality=95))
        assert (source.facts.width, source.facts.height) == (160, 120), format
        for recipe in ({}, {"resize": {"width": 40}}):
            result = source.render(Recipe.parse({"format": "png", **recipe}))
            assert samples.looks_like_quarters(opened(result), 25), format
            assert ("upright" in codes(result)) == (orientation != 1)
            assert opened(result).getexif().get(0x0112) is None


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["planes", "ten_bits", "cmyk_and_alpha", "floats"])
def test_every_layout_of_a_tiff_comes_out_upright(kind: str, orientation: int) -> None:
    upright = samples.quarters()
    data = _tiff_of(held_as(upright, orientation), kind, orientation)
    source = open(data)
    assert (source.facts.width, source.facts.height) == upright.size
    wanted = np.asarray(upright.convert("L") if kind in ("ten_bits", "floats") else upright)
    for depth in ("keep", 8):
        result = opened(source.render(Recipe.parse({"format": "png", "depth": depth})))
        shown = np.asarray(result.convert("RGB") if result.mode == "P" else result)
        assert shown.shape == wanted.shape
        assert np.abs(shown / (257 if shown.dtype == np.uint16 else 1) - wanted).max() < 2


@pytest.mark.parametrize(("orientation", "turns"), [(3, 2), (6, 3), (8, 1)])
def test_the_low_bytes_of_a_tiff_are_turned_with_the_high_ones(orientation: int, turns: int) -> None:
    stored = np.random.default_rng(1).integers(0, 1024, (12, 20))
    bits = (stored[..., None] >> np.arange(9, -1, -1)) & 1
    body = np.packbits(bits.reshape(12, -1), axis=1).tobytes()
    data = samples.tiff((20, 12), body, {258: 10, 262: 1, 274: orientation, 277: 1})
    result = np.asarray(opened(render(data, depth="keep")), np.int64)
    wanted = np.rot90(stored, turns) * 65_535 / 1023
    assert np.abs(result - wanted).max() < 2


def _tiff_of(held: Image.Image, kind: str, orientation: int) -> bytes:
    octets, gray = np.asarray(held), np.asarray(held.convert("L"))
    match kind:
        case "planes":
            planes = [(octets[..., band].astype("<u2") * 257).tobytes() for band in range(3)]
            return samples.tiff(held.size, planes, {258: [16] * 3, 262: 2, 274: orientation, 277: 3, 284: 2})
        case "ten_bits":
            bits = ((gray.astype(np.uint16) * 4)[..., None] >> np.arange(9, -1, -1)) & 1
            body = np.packbits(bits.reshape(held.height, -1), axis=1).tobytes()
            return samples.tiff(held.size, body, {258: 10, 262: 1, 274: orientation, 277: 1})
        case "cmyk_and_alpha":
            black = np.zeros_like(gray)
            body = np.dstack([255 - octets, black, black + 255]).tobytes()
            return samples.tiff(held.size, body, {258: [8] * 5, 262: 5, 274: orientation, 277: 5, 338: 2})
    body = (gray / np.float16(255)).astype("<f2").tobytes()
    return samples.tiff(held.size, body, {258: 16, 262: 1, 274: orientation, 277: 1, 339: 3})


def test_a_photo_from_a_phone_in_heic_is_upright() -> None:
    source = open((samples.FILES / "phone.heic").read_bytes())
    assert (source.facts.width, source.facts.height, source.facts.orientation) == (120, 160, 6)
    result = source.render(Recipe.parse({"format": "jpeg"}))
    image = opened(result)
    assert image.size == (120, 160)
    assert is_near(pixel(image, (100, 20)), (220, 40, 30), 25)
    assert is_near(pixel(image, (20, 20)), (40, 90, 200), 25)
    assert "upright" in codes(result)


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_an_orientation_in_xmp_alone_turns_nothing_as_in_browsers(format: str) -> None:
    if format == "PNG":
        data = samples.png_with_text()
    elif format == "TIFF":
        data = saved(samples.quarters(), format, tiffinfo={700: samples.XMP})
    else:
        data = saved(samples.quarters(), format, xmp=samples.XMP)
    source = open(data)
    result = source.render(Recipe.parse({"format": "png"}))
    assert (source.facts.orientation, result.width, result.height) == (1, 160, 120)
    assert "upright" not in codes(result)
    assert samples.looks_like_quarters(opened(result), 40)


@pytest.mark.parametrize(
    ("kind", "value", "orientation", "transpose"),
    [
        (b"irot", 0, 1, None),
        (b"irot", 1, 8, Image.Transpose.ROTATE_90),
        (b"irot", 2, 3, Image.Transpose.ROTATE_180),
        (b"irot", 3, 6, Image.Transpose.ROTATE_270),
        (b"imir", 0, 4, Image.Transpose.FLIP_TOP_BOTTOM),
        (b"imir", 1, 2, Image.Transpose.FLIP_LEFT_RIGHT),
    ],
)
def test_a_heic_is_turned_as_its_properties_say_and_not_as_its_exif(
    kind: bytes, value: int, orientation: int, transpose: Image.Transpose | None
) -> None:
    data = bytearray((samples.FILES / "phone.heic").read_bytes())
    at = data.index(b"irot")

    def turned(kind: Any, value: Any) -> Any:
        data[at : at + 5] = kind + bytes([value])
        return open(bytes(data))

    plain = opened(turned(b"irot", 0).render(Recipe.parse({"format": "png"})))
    wanted = plain.transpose(transpose) if transpose is not None else plain
    source = turned(kind, value)
    result = source.render(Recipe.parse({"format": "png"}))
    assert source.facts.orientation == orientation
    assert (source.facts.width, source.facts.height) == wanted.size
    assert opened(result).convert("RGB").tobytes() == wanted.convert("RGB").tobytes()
    assert ("upright" in codes(result)) == (orientation != 1)


@pytest.mark.long
def test_a_crop_means_pixels_of_the_upright_source_however_it_is_decoded() -> None:
    photo = samples.photo((1603, 1203))
    data = saved(photo, "JPEG", quality=95)
    crop = {"x": 401, "y": 203, "width": 900, "height": 901}
    image = opened(render(data, crop=crop, resize={"width": 101}))
    expected = photo.crop((401, 203, 1301, 1104)).resize((101, 101), Image.Resampling.LANCZOS)
    assert image.size == (101, 101)
    assert max(ImageStat.Stat(ImageChops.difference(image.convert("RGB"), expected)).mean) < 2.5
    exact = opened(render(saved(photo, "PNG"), crop=crop))
    assert ImageChops.difference(exact.convert("RGB"), photo.crop((401, 203, 1301, 1104))).getbbox() is None


def test_rotating_comes_before_resizing_so_sizes_are_those_of_the_result() -> None:
    result = render(saved(samples.quarters((160, 120)), "PNG"), rotate=90, resize={"width": 60})
    assert (result.width, result.height) == (60, 80)
    corner = opened(result).convert("RGB").getpixel((45, 10))
    assert is_near(corner, samples.COLORS["red"])


def test_flipping_mirrors() -> None:
    image = opened(render(saved(samples.quarters(), "PNG"), flip="horizontal"))
    assert is_near(pixel(image.convert("RGB"), (120, 30)), samples.COLORS["red"])
    image = opened(render(saved(samples.quarters(), "PNG"), flip="vertical"))
    assert is_near(pixel(image.convert("RGB"), (40, 90)), samples.COLORS["red"])
