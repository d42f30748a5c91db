"""TIFF stores pixels in many ways: each is read as specified, or refused by name."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence
from io import BytesIO
from typing import Any, Literal

import numpy as np
import pytest
import tifffile
from PIL import Image

from converter.engine import Message, Recipe, Truncated, UnsupportedFormat, UnsupportedVariant
from converter.engine.raster import open

from . import samples
from .rendering import codes, render
from .tiff_ramps import RAMP, SIZE, assert_near, pixels

FORMS = {8: "B", 16: "H", 32: "I"}


def stored(values: list[Any], bits: int, endian: str) -> bytes:
    """Return samples from 0 to 1 as unsigned numbers."""
    top = 2**bits - 1
    numbers = [round(value * top) for value in values]
    if bits in FORMS:
        return struct.pack(f"{endian}{len(numbers)}{FORMS[bits]}", *numbers)
    packed = int("1" + "".join(f"{number:0{bits}b}" for number in numbers), 2)
    return packed.to_bytes(len(numbers) * bits // 8 + 1, "big")[1:]


ways = pytest.mark.parametrize(
    ("endian", "compress"),
    [("<", False), (">", False), ("<", True), (">", True)],
    ids=["II", "MM", "II zip", "MM zip"],
)


@ways
@pytest.mark.parametrize("white", [0, 1], ids=["white is 0", "black is 0"])
@pytest.mark.parametrize("bits", [8, 12, 16, 32])
def test_grey_is_correct_in_every_depth_and_order(bits: int, white: int, endian: str, compress: bool) -> None:
    values = RAMP if white else [1 - value for value in RAMP]
    data = samples.tiff(SIZE, stored(values, bits, endian), {258: bits, 262: white, 277: 1}, endian, compress)
    assert_near(pixels(data, "L"), [round(255 * value) for value in RAMP])
    assert open(data).facts.bits == bits


@ways
@pytest.mark.parametrize("separate", [False, True], ids=["interleaved", "planes"])
@pytest.mark.parametrize("extra", [None, 0, 2], ids=["RGB", "RGBX", "RGBA"])
@pytest.mark.parametrize("bits", [8, 16])
def test_colours_are_right_in_planes_and_interleaved(
    bits: int, extra: int | None, separate: bool, endian: str, compress: bool
) -> None:
    bands = [RAMP, RAMP[::-1], [0.25] * 64] + ([[0.5] * 64] if extra is not None else [])
    if separate:
        body = [stored(band, bits, endian) for band in bands]
    else:
        body = [stored([value for pixel in zip(*bands, strict=True) for value in pixel], bits, endian)]
    tags = {258: [bits] * len(bands), 262: 2, 277: len(bands), 284: 2 if separate else 1}
    if extra is not None:
        tags[338] = extra
    found = pixels(samples.tiff(SIZE, body, tags, endian, compress), "RGBA")
    for band, values in enumerate(bands[:3]):
        assert_near([pixel[band] for pixel in found], [round(255 * value) for value in values])
    assert_near([pixel[3] for pixel in found], [128 if extra == 2 else 255] * 64)


@ways
@pytest.mark.parametrize("white", [0, 1])
def test_floating_point_grey_is_right_in_every_order(white: int, endian: str, compress: bool) -> None:
    values = RAMP if white else [1 - value for value in RAMP]
    body = struct.pack(f"{endian}64f", *values)
    data = samples.tiff(SIZE, body, {258: 32, 262: white, 277: 1, 339: 3}, endian, compress)
    assert_near(pixels(data, "L"), [int(255 * value) for value in RAMP])


@ways
@pytest.mark.parametrize("scale", [1, 257], ids=["8 bits", "16 bits"])
@pytest.mark.parametrize("bits", [4, 8])
def test_palettes_of_8_and_of_16_bits_per_colour_are_distinguished(
    bits: int, scale: int, endian: str, compress: bool
) -> None:
    count = 2**bits
    red, green, blue = ([(7 * index + shift) % 256 for index in range(count)] for shift in (40, 90, 200))
    indices = [index % count for index in range(64)]
    body = stored([index / (count - 1) for index in indices], bits, endian)
    tags = {258: bits, 262: 3, 277: 1, 320: [scale * value for value in red + green + blue]}
    found = pixels(samples.tiff(SIZE, body, tags, endian, compress), "RGB")
    assert found == [(red[index], green[index], blue[index]) for index in indices]


@pytest.mark.parametrize("sampling", [(1, 1), (1, 2), (2, 1), (2, 2), (4, 1), (4, 2), (4, 4)])
def test_uncompressed_ycbcr_is_right_however_it_is_sampled(sampling: tuple[int, int]) -> None:
    across, down = sampling
    red = bytes([76] * (across * down) + [85, 255])
    tags = {258: [8, 8, 8], 262: 6, 277: 3, 530: list(sampling)}
    found = pixels(samples.tiff(SIZE, red * (64 // (across * down)), tags), "RGB")
    assert all(samples.is_near(pixel, (255, 0, 0), 2) for pixel in found)


@pytest.mark.parametrize(
    ("tags", "what"),
    [
        ({258: 24}, {"kind": "samples", "bits": 24}),
        ({258: 8, 339: 2}, {"kind": "signed_samples", "bits": 8}),
        ({258: 16, 339: 2}, {"kind": "signed_samples", "bits": 16}),
        ({258: 64, 339: 6}, {"kind": "sample_format"}),
        ({258: [8, 8], 259: 7, 277: 2, 338: 2, 284: 2}, {"kind": "separate_alpha"}),
        (
            {258: [8] * 5, 259: 7, 262: 2, 277: 5, 338: [2, 0], 284: 2},
            {"kind": "separate_channels", "channels": 5},
        ),
        (
            {258: [8] * 5, 259: 7, 262: 5, 277: 5, 338: 2},
            {"kind": "colors_and_more", "bits": 8, "space": "CMYK"},
        ),
        ({258: [24, 24, 24], 262: 2, 277: 3}, {"kind": "channels", "channels": 3, "bits": 24}),
        ({258: 24, 339: 3}, {"kind": "float_samples", "bits": 24}),
        ({258: [16, 16, 16], 262: 8, 277: 3}, {"kind": "colors", "bits": 16, "space": "Lab"}),
        ({258: [5, 6, 5], 262: 2, 277: 3}, {"kind": "mixed_depths"}),
        ({258: 1, 262: 4}, {"kind": "mask"}),
        ({258: 16, 262: 3}, {"kind": "palette"}),
        ({258: 16, 262: 0, 266: 2}, {"kind": "fill_order"}),
        ({258: 8, 259: 34887}, {"kind": "compression", "compression": "LERC"}),
        ({258: 8, 259: 50001}, {"kind": "compression", "compression": "WebP"}),
        ({258: 8, 259: 60000}, {"kind": "unknown_compression"}),
        ({258: [8, 8, 8], 262: 6, 277: 3, 530: [1, 4]}, {"kind": "subsampled"}),
        ({258: [8, 8, 8], 262: 6, 277: 3, 530: [2, 4]}, {"kind": "subsampled"}),
    ],
)
@pytest.mark.parametrize("big", [False, True], ids=["TIFF", "BigTIFF"])
def test_unsupported_variants_are_refused_by_name_and_not_called_damaged(
    tags: dict[Any, Any], what: dict[str, Any], big: bool
) -> None:
    data = samples.tiff(SIZE, bytes(64 * 40), {262: 1, 277: 1, **tags}, big=big)
    with pytest.raises(UnsupportedVariant) as caught:
        open(data)
    assert caught.value.code == "unsupported_variant"
    assert caught.value.message == Message("unsupported_variant", {"format": "TIFF", **what})


@ways
@pytest.mark.parametrize("bits", [10, 12, 14, 16])
def test_colours_of_odd_depths_are_read(bits: int, endian: str, compress: bool) -> None:
    bands = [RAMP, RAMP[::-1], [0.25] * 64]
    rows = zip(*[iter(zip(*bands, strict=True))] * SIZE[0], strict=True)
    body = b"".join(stored([value for pixel in row for value in pixel], bits, endian) for row in rows)
    data = samples.tiff(SIZE, body, {258: [bits] * 3, 262: 2, 277: 3}, endian, compress)
    found = pixels(data, "RGB")
    for band, values in enumerate(bands):
        assert_near([pixel[band] for pixel in found], [round(255 * value) for value in values])


@ways
def test_grey_and_alpha_of_16_bits_are_both_read(endian: str, compress: bool) -> None:
    body = stored([value for pixel in zip(RAMP, RAMP[::-1], strict=True) for value in pixel], 16, endian)
    data = samples.tiff(SIZE, body, {258: [16, 16], 262: 1, 277: 2, 338: 2}, endian, compress)
    found = pixels(data, "LA")
    assert_near([gray for gray, _ in found], [round(255 * value) for value in RAMP])
    assert_near([alpha for _, alpha in found], [round(255 * value) for value in RAMP[::-1]])


@ways
@pytest.mark.parametrize("separate", [False, True], ids=["interleaved", "planes"])
@pytest.mark.parametrize("bits", [8, 16])
def test_a_fourth_channel_that_the_file_does_not_explain_is_alpha(
    bits: int, separate: bool, endian: str, compress: bool
) -> None:
    """As in libvips and ImageMagick: the colours are not divided by it."""
    bands = [RAMP, RAMP[::-1], [0.25] * 64, [0.5] * 64]
    body = [stored([value for pixel in zip(*bands, strict=True) for value in pixel], bits, endian)]
    if separate:
        body = [stored(band, bits, endian) for band in bands]
    tags = {258: [bits] * 4, 262: 2, 277: 4, 284: 2 if separate else 1}
    found = pixels(samples.tiff(SIZE, body, tags, endian, compress), "RGBA")
    for band, values in enumerate(bands):
        assert_near([pixel[band] for pixel in found], [round(255 * value) for value in values])


def test_cmyk_colours_keep_their_transparency() -> None:
    body = bytes([255, 0, 0, 0, 255] * 32 + [0, 0, 0, 0, 64] * 32)
    data = samples.tiff(SIZE, body, {258: [8] * 5, 262: 5, 277: 5, 338: 2})
    assert pixels(data, "RGBA") == [(0, 255, 255, 255)] * 32 + [(255, 255, 255, 64)] * 32
    assert codes(render(data)) == {"cmyk_without_profile"}


@ways
@pytest.mark.parametrize("form", ["e", "f", "d"])
def test_colours_in_floating_point_are_read(form: str, endian: str, compress: bool) -> None:
    bands = [RAMP, RAMP[::-1], [0.25] * 64]
    body = struct.pack(
        f"{endian}192{form}", *(value for pixel in zip(*bands, strict=True) for value in pixel)
    )
    bits = 8 * struct.calcsize(form)
    data = samples.tiff(SIZE, body, {258: [bits] * 3, 262: 2, 277: 3, 339: [3] * 3}, endian, compress)
    for pixel, wanted in zip(pixels(data, "RGB"), zip(*bands, strict=True), strict=True):
        assert samples.is_near(pixel, [round(255 * value) for value in wanted], 1)


def test_a_big_endian_bigtiff_is_read() -> None:
    data = samples.tiff(SIZE, stored(RAMP, 16, ">"), {258: 16, 262: 1, 277: 1}, ">", big=True)
    assert_near(pixels(data, "L"), [round(255 * value) for value in RAMP])
    with pytest.raises(Truncated):
        open(data[:-40])


def test_signed_numbers_of_32_bits_are_read_where_they_fit_in_16_and_refused_where_not() -> None:
    tags = {258: 32, 262: 1, 277: 1, 339: 2}
    small = struct.pack("<64i", *(round(65_535 * value) for value in RAMP))
    assert_near(pixels(samples.tiff(SIZE, small, tags), "L"), [round(255 * value) for value in RAMP])
    for value in (-1, 65_536):
        with pytest.raises(UnsupportedVariant, match="32-bit signed samples"):
            pixels(samples.tiff(SIZE, struct.pack("<64i", *[0] * 63, value), tags), "L")


def test_pages_of_different_kinds_are_each_read_as_they_are() -> None:
    page = samples.saved(Image.new("L", SIZE, 200), "TIFF")
    deep = samples.tiff(SIZE, stored([0] * 64, 16, "<"), {258: 16, 262: 0, 277: 1})
    both = BytesIO()
    first, second = (Image.open(BytesIO(data)) for data in (deep, page))
    first.save(both, "TIFF", save_all=True, append_images=[second])
    source = open(both.getvalue())
    assert source.facts.pages == 2
    result = Image.open(BytesIO(source.render(Recipe.parse({"format": "tiff"})).data))
    assert getattr(result, "n_frames", 1) == 2
    result.seek(1)
    assert result.convert("L").getpixel((3, 3)) == 200


def test_directories_that_go_in_circles_or_nowhere_end() -> None:
    data = bytearray(samples.tiff(SIZE, bytes(64), {258: 8, 262: 1, 277: 1}))
    first = struct.unpack_from("<I", data, 4)[0]
    count = struct.unpack_from("<H", data, first)[0]
    struct.pack_into("<I", data, first + 2 + 12 * count, first)
    assert open(bytes(data)).facts.width == 16


@pytest.mark.parametrize("compress", [False, True])
def test_a_page_whose_pixels_are_cut_off_ends_too_early(compress: bool) -> None:
    body = bytes(range(256)) * 4
    whole = samples.tiff((64, 16), body, {258: 8, 262: 1, 277: 1}, compress=compress)
    strip = len(zlib.compress(body)) if compress else len(body)
    moved = bytearray(whole[:8] + whole[8 + strip + strip % 2 :] + whole[8 : 8 + strip])
    struct.pack_into("<I", moved, 4, struct.unpack_from("<I", whole, 4)[0] - strip - strip % 2)
    first = struct.unpack_from("<I", moved, 4)[0]
    for entry in range(struct.unpack_from("<H", moved, first)[0]):
        if struct.unpack_from("<H", moved, first + 2 + 12 * entry)[0] == 273:
            struct.pack_into("<I", moved, first + 2 + 12 * entry + 8, len(moved) - strip)
    assert_near(pixels(bytes(moved), "L"), list(body))
    with pytest.raises(Truncated):
        pixels(bytes(moved[: -strip // 2]), "L")


@pytest.mark.parametrize("photometric", [32_803, 34_892])
def test_the_samples_of_a_sensor_are_camera_raw(photometric: int) -> None:
    with pytest.raises(UnsupportedFormat, match="Camera RAW"):
        open(samples.tiff((4, 4), bytes(16), {258: 8, 262: photometric, 277: 1}))


@pytest.mark.parametrize("inks", [2, 3, 4, 5, 6])
@pytest.mark.parametrize("bits", [8, 16])
def test_inks_other_than_cmyk_are_refused_with_their_number(inks: int, bits: int) -> None:
    body = stored(RAMP * inks, bits, "<")
    with pytest.raises(UnsupportedVariant, match=f"{inks} inks other than CMYK"):
        open(samples.tiff(SIZE, body, {258: (bits,) * inks, 262: 5, 277: inks, 332: 2}))


def test_inks_that_are_called_cmyk_are_read_whatever_their_set() -> None:
    body = bytes(32) + bytes([255] * 32) + bytes(128)
    tags = {258: (8,) * 4, 262: 5, 277: 4}
    plain = pixels(samples.tiff((16, 3), body, tags), "RGB")
    names = b"Cyan\0Magenta\0Yellow\0Black\0"
    assert pixels(samples.tiff((16, 3), body, {**tags, 332: 2, 333: names}), "RGB") == plain
    spot = samples.tiff((16, 3), body[:192] + bytes(48), {258: (8,) * 5, 262: 5, 277: 5, 338: 0})
    assert len(pixels(spot, "RGB")) == 48


@ways
@pytest.mark.parametrize("bits", [8, 16, 32])
@pytest.mark.parametrize("channels", [1, 3])
def test_samples_of_undefined_kind_are_unsigned_numbers(
    bits: int, channels: int, endian: str, compress: bool
) -> None:
    tags = {258: (bits,) * channels, 262: 1 if channels == 1 else 2, 277: channels}
    body = stored([value for value in RAMP for _ in range(channels)], bits, endian)
    data = samples.tiff(SIZE, body, {**tags, 339: (4,) * channels}, endian, compress)
    assert_near(pixels(data, "L"), [round(255 * value) for value in RAMP])


def byte_typed(data: bytes, tags: Sequence[int]) -> bytes:
    """Return a TIFF from tifffile with these tags as BYTE."""
    output = bytearray(data)
    with tifffile.TiffFile(BytesIO(data)) as file:
        order = file.byteorder
        wide = file.is_bigtiff
        found = [(tag.offset, tag.value) for tag in file.pages.first.tags.values() if tag.code in tags]
    assert len(found) == len(tags)
    for offset, value in found:
        values = value if isinstance(value, tuple) else (int(value),)
        struct.pack_into(f"{order}H{'Q' if wide else 'I'}", output, offset + 2, 1, len(values))
        place = offset + (12 if wide else 8)
        output[place : place + (8 if wide else 4)] = bytes(values).ljust(8 if wide else 4, b"\0")
    return bytes(output)


@pytest.mark.parametrize("endian", ["<", ">"])
@pytest.mark.parametrize("big", [False, True], ids=["TIFF", "BigTIFF"])
@pytest.mark.parametrize("compression", [None, "zlib"])
def test_small_numbers_may_be_of_type_byte(
    endian: Literal["<", ">"], big: bool, compression: str | None
) -> None:
    colors = (np.arange(20 * 10 * 3) % 251).astype(np.uint8).reshape(10, 20, 3)
    output = BytesIO()
    tifffile.imwrite(
        output, colors, byteorder=endian, bigtiff=big, photometric="rgb", compression=compression
    )
    data = byte_typed(output.getvalue(), [256, 257, 258, 262, 277])
    assert samples.opened(render(data)).convert("RGB").tobytes() == colors.tobytes()


def test_a_volume_in_one_page_is_refused_by_its_name() -> None:
    output = BytesIO()
    tifffile.imwrite(output, np.zeros((16, 32, 32), np.uint8), volumetric=True, tile=(16, 16, 16))
    with pytest.raises(UnsupportedVariant, match="a volume of 16 slices"):
        render(output.getvalue())


@pytest.mark.parametrize("writer", ["Pillow", "tifffile", "BigTIFF"])
@pytest.mark.parametrize("pages", [1, 3])
@pytest.mark.parametrize("lost", [30, 400])
def test_a_tiff_that_lost_the_directory_at_its_end_is_cut_off(writer: str, pages: int, lost: int) -> None:
    picture, file = samples.photo((90, 60)), BytesIO()
    if writer == "Pillow":
        others = [picture] * (pages - 1)
        picture.save(file, "TIFF", compression="tiff_lzw", save_all=True, append_images=others)
    else:
        with tifffile.TiffWriter(file, bigtiff=writer == "BigTIFF") as tiff:
            for _ in range(pages):
                tiff.write(np.asarray(picture), photometric="rgb", compression="zlib")
    assert len(samples.opened(render(file.getvalue())).getbands()) == 3
    with pytest.raises(Truncated):
        render(file.getvalue()[:-lost], format="pdf")


@pytest.mark.parametrize("big", [False, True])
def test_a_tiff_may_end_with_its_last_directory_entry(big: bool) -> None:
    """Some writers omit the zero behind it, which libtiff does not require."""
    body, room = bytes(range(256)) * 4, 8 if big else 4
    gray = {258: 8, 262: 1, 277: 1}
    for lost in (1, room):
        assert_near(pixels(samples.tiff((64, 16), body, gray, big=big)[:-lost], "L"), list(body))
    with pytest.raises(UnsupportedFormat, match="Camera RAW"):
        open(samples.tiff((64, 16), body, {**gray, 262: 32_803}, big=big)[:-room])
    with pytest.raises(Truncated):
        open(samples.tiff((64, 16), body, gray, big=big)[: -room - 1])


def test_the_last_page_may_lack_the_zero_behind_a_reduced_copy() -> None:
    body = bytes(range(256)) * 4
    data = samples.tiff((64, 16), body, {254: 1, 258: 8, 262: 1, 277: 1})
    at = struct.unpack_from("<I", data, 4)[0]
    whole = data[at:-4].replace(struct.pack("<HHIH", 254, 3, 1, 1), struct.pack("<HHIH", 254, 3, 1, 0))
    assert_near(pixels(data[:-4] + struct.pack("<I", len(data)) + whole, "L"), list(body))


@pytest.mark.parametrize("bits", [8, 10])
def test_a_sparse_tiff_is_refused_by_name(bits: int) -> None:
    rows = stored(RAMP[:32], bits, "<")
    data = samples.tiff(SIZE, [rows, b""], {258: bits, 262: 1, 277: 1, 278: SIZE[1] // 2})
    at = data.index(struct.pack("<II", 8, 8 + len(rows)))
    with pytest.raises(UnsupportedVariant, match="sparse"):
        render(data[: at + 4] + bytes(4) + data[at + 8 :])
