"""16 bits per channel are kept if both formats support them. Other programs write and read the files."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from io import BytesIO
from itertools import product
from typing import Any

import imagecodecs
import numpy as np
import pytest
import tifffile
from PIL import Image

from converter.engine import Recipe
from converter.engine.raster import open, profiles
from converter.engine.raster.codecs.png_chunks import made
from tests.engine import samples
from tests.engine.rendering import codes, render

WIDTH, HEIGHT = 41, 29
DEPTH_NOTES = {"bits_kept", "bits_reduced"}


def picture(channels: Any, width: Any = WIDTH, height: Any = HEIGHT) -> Any:
    """Return ramps whose low bytes take all values; alpha, the last channel of 2 or 4, reaches both ends."""
    down, across = np.mgrid[0:height, 0:width]
    bands = np.stack([across * 1501 + down * 37 + band * 9001 for band in range(channels)], axis=-1) % 65_536
    if channels in (2, 4):
        bands[..., -1] = np.linspace(0, 65_535, width).astype(int)
    return bands.astype(np.uint16) if channels > 1 else bands[..., 0].astype(np.uint16)


def as_png(pixels: Any) -> Any:
    return imagecodecs.png_encode(pixels)


def as_jp2(pixels: Any) -> Any:
    return imagecodecs.jpeg2k_encode(pixels, level=0)


def as_tiff(pixels: Any, planar: str = "contig", **options: Any) -> Any:
    channels = 1 if pixels.ndim == 2 else pixels.shape[2]
    file = BytesIO()
    tifffile.imwrite(
        file,
        np.moveaxis(pixels, -1, 0) if planar == "separate" else pixels,
        photometric="rgb" if channels > 2 else "minisblack",
        planarconfig=planar if channels > 1 else None,
        extrasamples=["unassalpha"] if channels in (2, 4) else None,
        **options,
    )
    return file.getvalue()


READ: dict[str, Callable[[bytes], Any]] = {
    "png": imagecodecs.png_decode,
    "tiff": lambda data: tifffile.imread(BytesIO(data)),
    "jp2": imagecodecs.jpeg2k_decode,
    "jxl": imagecodecs.jpegxl_decode,
}
WRITE: dict[str, Callable[..., bytes]] = {"png": as_png, "tiff": as_tiff}


def kept(data: Any, **recipe: Any) -> Any:
    """Return the pixels of the result, after checking that it reports all bits as kept."""
    result = render(data, **recipe)
    assert "bits_kept" in codes(result)
    pixels = READ[result.format](result.data)
    assert pixels.dtype == np.uint16
    return pixels


@pytest.mark.parametrize(
    ("source", "target", "channels"), list(product(WRITE, ("png", "tiff"), (1, 2, 3, 4)))
)
def test_sixteen_bits_arrive_as_they_were(source: Any, target: Any, channels: Any) -> None:
    pixels = picture(channels)
    assert np.array_equal(kept(WRITE[source](pixels), format=target), pixels)


@pytest.mark.parametrize("target", ["png", "tiff", "jp2"])
def test_grey_goes_through_jpeg_2000(target: Any) -> None:
    pixels = picture(1)
    lossless = {"lossless": True} if target == "jp2" else {}
    assert np.array_equal(kept(as_jp2(pixels), format=target, **lossless), pixels)
    assert np.array_equal(kept(as_png(pixels), format="jp2", lossless=True), pixels)


@pytest.mark.parametrize("channels", [2, 3, 4])
@pytest.mark.parametrize("container", ["JP2", "J2K"])
@pytest.mark.parametrize("level", [0, 50])
def test_colours_and_alpha_of_jpeg_2000_arrive_in_sixteen_bits(
    channels: Any, container: Any, level: Any
) -> None:
    """A level of 50 is lossy, so the reference is another decoder."""
    data = imagecodecs.jpeg2k_encode(picture(channels), level=level, codecformat=container)
    for target in ("png", "tiff"):
        assert np.array_equal(kept(data, format=target), imagecodecs.jpeg2k_decode(data))


@pytest.mark.parametrize(
    ("order", "planar", "channels"), list(product("<>", ("contig", "separate"), (2, 3, 4)))
)
@pytest.mark.parametrize(
    "options",
    [{}, {"compression": "lzw", "predictor": True}, {"compression": "zstd"}, {"tile": (16, 16)}],
    ids=["plain", "lzw", "zstd", "tiles"],
)
def test_every_layout_of_a_tiff_keeps_them(order: Any, planar: Any, channels: Any, options: Any) -> None:
    pixels = picture(channels)
    assert np.array_equal(kept(as_tiff(pixels, planar, byteorder=order, **options)), pixels)


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_jpeg_xl_keeps_them_on_the_way_in(channels: Any) -> None:
    pixels = picture(channels)
    found = kept(imagecodecs.jpegxl_encode(pixels, lossless=True), color="keep")
    assert np.array_equal(found, pixels)


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_lossless_jpeg_xl_keeps_them_on_the_way_out(channels: Any) -> None:
    pixels = picture(channels)
    assert np.array_equal(kept(as_tiff(pixels), format="jxl", lossless=True), pixels)
    assert "bits_reduced" in codes(render(as_tiff(pixels), format="jxl"))


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_a_deep_jpeg_xl_carries_metadata_and_profile_too(channels: Any) -> None:
    pixels = picture(channels)
    header, rest = as_png(pixels)[:33], as_png(pixels)[33:]
    icc = samples.gray_gamma(1.8) if channels < 3 else samples.display_p3()
    told = made(b"iCCP", b"own\0\0" + zlib.compress(icc)) + made(
        b"eXIf", samples.exif().removeprefix(b"Exif\0\0")
    )
    recipe = {"format": "jxl", "lossless": True, "metadata": "keep", "color": "keep"}
    result = render(header + told + rest, **recipe)
    assert np.array_equal(imagecodecs.jpegxl_decode(result.data), pixels)
    again = render(result.data, format="tiff", metadata="keep", color="keep")
    assert np.array_equal(tifffile.imread(BytesIO(again.data)), pixels)
    assert {"metadata_kept", "profile_kept"} <= codes(again)


@pytest.mark.parametrize("bits", [10, 12, 14])
def test_fewer_bits_than_sixteen_reach_from_black_to_white(bits: Any) -> None:
    top = (1 << bits) - 1
    levels = np.linspace(0, top, WIDTH).round().astype(np.uint16)[np.newaxis].repeat(HEIGHT, axis=0)
    wanted = np.round(levels / top * 65_535)
    packed = as_tiff(levels, bitspersample=bits)
    coded = imagecodecs.jpeg2k_encode(levels, level=0, bitspersample=bits)
    for found in (kept(packed), kept(coded)):
        assert np.abs(found.astype(int) - wanted).max() <= 1
    colors = imagecodecs.jpeg2k_encode(np.dstack([levels] * 3), level=0, bitspersample=bits)
    assert np.abs(kept(colors).astype(int) - wanted[..., np.newaxis]).max() <= 1


def test_transparent_pixels_of_a_png_stay_transparent() -> None:
    pixels = picture(3)
    header, rest = as_png(pixels)[:33], as_png(pixels)[33:]
    clear = made(b"tRNS", pixels[3, 4].astype(">u2").tobytes())
    found = kept(header + clear + rest)
    assert np.array_equal(found[..., :3], pixels)
    is_clear = (pixels == pixels[3, 4]).all(axis=2)
    assert np.array_equal(found[..., 3], np.where(is_clear, 0, 65_535))


def test_white_is_zero_is_turned_over_in_sixteen_bits() -> None:
    pixels = picture(1)
    file = BytesIO()
    tifffile.imwrite(file, pixels, photometric="miniswhite")
    assert np.array_equal(kept(file.getvalue()), 65_535 - pixels)


def test_floating_point_and_32_bits_become_sixteen_and_are_reported() -> None:
    ramp = np.linspace(0, 1, WIDTH, dtype=np.float32)[np.newaxis].repeat(HEIGHT, axis=0)
    wanted = np.round(ramp.astype(float) * 65_535)
    whole = (ramp.astype(float) * (2**32 - 1)).astype(np.uint32)
    for data in (as_tiff(ramp), as_tiff(whole), as_tiff(ramp, compression="zlib", predictor=3)):
        result = render(data)
        assert ("bits_reduced", "to_16") in [
            (note.code, note.params.get("kind")) for note in result.report.notes
        ]
        assert np.abs(imagecodecs.png_decode(result.data).astype(int) - wanted).max() <= 1


@pytest.mark.parametrize("shallow", [0, 1])
def test_the_pages_of_a_tiff_each_keep_theirs(shallow: int) -> None:
    pages = [picture(3), picture(1, 20, 10)]
    pages.insert(shallow, (picture(3) >> 8).astype(np.uint8))
    data = as_pages(pages)
    assert open(data).facts.bits == 16
    with tifffile.TiffFile(BytesIO(render(data, format="tiff").data)) as written:
        found = [page.asarray() for page in written.pages]
    assert all(np.array_equal(*pair) for pair in zip(found, pages, strict=True))


def test_the_bits_of_the_selected_pages_are_reported() -> None:
    data = as_pages([(picture(3) >> 8).astype(np.uint8), picture(3)])
    assert codes(render(data, pages="1")).isdisjoint(DEPTH_NOTES)
    assert codes(render(data, pages="2")) & DEPTH_NOTES == {"bits_kept"}
    assert codes(render(data, pages="2", format="jpeg")) & DEPTH_NOTES == {"bits_reduced"}


def as_pages(pages: Any) -> bytes:
    file = BytesIO()
    with tifffile.TiffWriter(file) as writer:
        for page in pages:
            writer.write(page, photometric="rgb" if page.ndim == 3 else "minisblack")
    return file.getvalue()


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_crop_turn_and_flip_move_whole_pixels(channels: Any) -> None:
    pixels = picture(channels)
    found = kept(
        as_tiff(pixels),
        crop={"x": 3, "y": 5, "width": 20, "height": 12},
        rotate=90,
        flip="horizontal",
    )
    assert np.array_equal(found, np.rot90(pixels[5:17, 3:23], -1)[:, ::-1])


def test_an_exif_orientation_is_applied() -> None:
    pixels = picture(3)
    header, rest = as_png(pixels)[:33], as_png(pixels)[33:]
    exif = made(b"eXIf", samples.exif(6).removeprefix(b"Exif\0\0"))
    assert np.array_equal(kept(header + exif + rest), np.rot90(pixels, -1))


@pytest.mark.parametrize("channels", [1, 3])
def test_resizing_is_as_fine_as_in_floating_point(channels: Any) -> None:
    pixels = np.linspace(2000, 60_000, 64 * 48 * channels).reshape(48, 64, channels).round().astype(np.uint16)
    found = kept(as_tiff(pixels[..., 0] if channels == 1 else pixels), resize={"width": 16})
    grid = found.reshape(12, 16, channels)
    for band in range(channels):
        exact = Image.fromarray(pixels[..., band].astype(np.float32)).resize(
            (16, 12), Image.Resampling.LANCZOS
        )
        assert np.abs(grid[..., band] - np.asarray(exact)).max() <= 1


def test_resizing_weighs_colours_by_their_alpha() -> None:
    pixels = np.zeros((16, 16, 4), np.uint16)
    pixels[:, :8] = (60_000, 1000, 200, 65_535)
    pixels[:, 8:] = (0, 65_535, 65_535, 0)
    found = kept(as_png(pixels), resize={"width": 5})
    seen = found[found[..., 3] > 3000].astype(int)
    assert np.abs(seen[:, :3] - (60_000, 1000, 200)).max() <= 40


def test_padding_has_both_octets_of_its_colour() -> None:
    found = kept(as_png(picture(3)), resize={"mode": "pad", "width": 60, "height": 60}, background="#3366cc")
    assert found[0, 0].tolist() == [0x3333, 0x6666, 0xCCCC]
    assert (found[15:44, 9:50] == picture(3)).all()


@pytest.mark.parametrize(
    "recipe",
    [
        {"format": "jpeg"},
        {"format": "webp", "lossless": True},
        {"format": "jp2", "lossless": True},
        {"format": "png", "depth": 8},
        {"format": "png", "watermark": {"text": "mine"}},
        {"format": "auto", "lossless": True},
    ],
    ids=["jpeg", "webp", "jp2", "asked", "watermark", "auto"],
)
def test_a_reduction_to_eight_bits_is_reported(recipe: Any) -> None:
    result = render(as_png(picture(3, 64, 48)), **recipe)
    assert "bits_reduced" in codes(result)
    assert "bits_kept" not in codes(result)


def test_one_file_serves_recipes_of_both_depths() -> None:
    recipes = [Recipe.parse({"format": "png", **options}) for options in ({"depth": 8}, {}, {"depth": 8})]
    eight, sixteen, again = samples.render_all(as_png(picture(3)), *recipes)
    assert eight.data == again.data
    assert np.array_equal(imagecodecs.png_decode(sixteen.data), picture(3))
    assert np.array_equal(imagecodecs.png_decode(eight.data), picture(3) >> 8)


def test_a_kept_profile_and_dpi_stay_with_sixteen_bits() -> None:
    wide = profiles.rgb("wide", ((0.7, 0.3), (0.2, 0.7), (0.15, 0.05), profiles.D65), [(2.2,)] * 3)
    data = as_tiff(picture(3), resolution=(300, 300), resolutionunit=2, iccprofile=wide)
    for target in ("png", "tiff"):
        found = render(data, format=target, color="keep").data
        assert np.array_equal(READ[target](found), picture(3))
        info = Image.open(BytesIO(found)).info
        assert tuple(round(side) for side in info["dpi"]) == (300, 300)
        assert info["icc_profile"] == wide


def test_eight_bit_sources_stay_as_they_are() -> None:
    result = open(samples.saved(samples.quarters((20, 20)), "PNG")).render(Recipe.parse({"format": "tiff"}))
    assert not codes(result) & {"bits_kept", "bits_reduced"}
