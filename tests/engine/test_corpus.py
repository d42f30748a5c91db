"""Small files that other converters get wrong. The references are Chromium, exiftool and gifsicle."""

from __future__ import annotations

import struct
import zlib
from io import BytesIO
from typing import Any

import pytest
from PIL import Image, TiffImagePlugin

from converter.engine import EngineError, Recipe, Truncated, UnsupportedFormat, UnsupportedVariant
from converter.engine.limits import DEFAULT_LIMITS, Deadline
from converter.engine.raster import open, probe
from converter.engine.raster.codecs.gif_blocks import gif_blocks
from converter.engine.raster.decode import decode, open_data
from converter.engine.report import Result
from tests.engine.rendering import codes
from tests.engine.samples import pixel

from . import samples
from .samples import FILES, opened

CORPUS = FILES / "corpus"
GREEN, HALF = (30, 170, 60, 255), (127, 127, 255, 255)


def data_of(name: str) -> bytes:
    return (CORPUS / name).read_bytes()


def render(name: str, **recipe: Any) -> Result:
    return open(data_of(name)).render(Recipe.parse({"format": "png", **recipe}))


def image(name: str) -> Image.Image:
    return opened(render(name)).convert("RGBA")


def source_frames(data: bytes) -> list[Image.Image]:
    """Return the frames as decoded, before any encoder."""
    source = open_data(data, DEFAULT_LIMITS)
    wanted = range(source.facts.frames)
    pictures = decode(source, DEFAULT_LIMITS, 1, wanted, Deadline(60))
    return [picture.frame.image.convert("RGBA") for _, picture in pictures]


@pytest.mark.parametrize(
    ("name", "frames"),
    [("anim-empty-again.webp", 4), ("anim-black-border.webp", 3), ("gif-loop-65535.gif", 2)],
)
def test_a_gif_has_one_header_and_every_frame(name: str, frames: int) -> None:
    data = render(name, format="gif").data
    assert data.count(b"GIF89a") == 1
    assert gif_blocks(data).frames == frames
    for before, after in zip(source_frames(data_of(name)), source_frames(data), strict=True):
        assert before.tobytes() == after.tobytes()


def test_a_black_border_stays_in_a_gif() -> None:
    for frame in source_frames(render("anim-black-border.webp", format="gif").data):
        assert frame.getpixel((0, 0)) == (0, 0, 0, 255)


def test_a_gif_that_plays_65536_times_becomes_any_other_animation() -> None:
    for target in ("webp", "png", "avif", "gif"):
        assert render("gif-loop-65535.gif", format=target).frames == 2


def test_a_default_image_that_is_no_frame_is_not_shown() -> None:
    assert probe(data_of("apng-three-and-a-default.png")).frames == 3
    found = source_frames(data_of("apng-hidden-default.png"))
    assert [frame.getpixel((5, 5)) for frame in found][0] == GREEN
    assert len(found) == 2


@pytest.mark.parametrize("target", ["webp", "gif", "png", "avif"])
def test_no_frame_is_made_of_a_hidden_default_image(target: str) -> None:
    assert render("apng-three-and-a-default.png", format=target).frames == 3


def test_a_half_clear_frame_is_drawn_over_what_is_there() -> None:
    assert source_frames(data_of("apng-over-half-clear.png"))[1].getpixel((16, 16)) == HALF
    assert source_frames(data_of("apng-over.png"))[1].getchannel("A").getextrema() == (255, 255)


def test_a_disposed_frame_restores_what_it_covered() -> None:
    assert source_frames(data_of("apng-previous-over.png"))[2].getpixel((16, 16)) == GREEN


def test_pixels_outside_a_gifs_first_frame_are_transparent() -> None:
    assert pixel(source_frames(data_of("gif-small-first-frame.gif"))[0], (2, 2))[3] == 0


def test_a_disposed_webp_frame_is_cleared_even_without_an_alpha_flag() -> None:
    assert min(source_frames(data_of("anim-denies-alpha.webp"))[1].getchannel("A").tobytes()) == 0


def test_a_clear_level_of_one_bit_is_clear() -> None:
    picture = image("gray1-trns.png")
    assert [pixel(picture, (x, 5))[3] for x in range(32)] == 16 * [255] + 16 * [0]


@pytest.mark.parametrize(("depth", "clear"), [(1, 0), (1, 1), (2, 1), (2, 3), (4, 7), (4, 0), (8, 200)])
def test_a_clear_level_is_clear_at_every_depth(depth: int, clear: int) -> None:
    levels = 1 << depth
    bits = "".join(f"{x * levels // 32:0{depth}b}" for x in range(32))
    row = b"\0" + int(bits, 2).to_bytes(len(bits) // 8, "big")
    picture = opened(open(gray_png(depth, 32, row, clear)).render(Recipe.parse({"format": "png"}))).convert(
        "RGBA"
    )
    found = [pixel(picture, (x, 0)) for x in range(32)]
    wanted = [x * levels // 32 for x in range(32)]
    assert [color[3] for color in found] == [0 if level == clear else 255 for level in wanted]
    assert [color[0] for color in found] == [level * 255 // (levels - 1) for level in wanted]


def gray_png(depth: int, width: int, row: bytes, clear: int) -> bytes:
    chunks = [
        (b"IHDR", struct.pack(">IIBBBBB", width, 1, depth, 0, 0, 0, 0)),
        (b"tRNS", struct.pack(">H", clear)),
        (b"IDAT", zlib.compress(row)),
        (b"IEND", b""),
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        len(body).to_bytes(4, "big") + kind + body + zlib.crc32(kind + body).to_bytes(4, "big")
        for kind, body in chunks
    )


def test_a_clear_colour_of_16_bits_is_clear_and_its_neighbour_is_not() -> None:
    assert pixel(image("rgb16-trns.png"), (4, 4))[3] == 0
    row = b"\0" + struct.pack(">6H", 0x1234, 0x5678, 0x9ABC, 0x1234, 0x5678, 0x9ABD)
    chunks = [
        (b"IHDR", struct.pack(">IIBBBBB", 2, 1, 16, 2, 0, 0, 0)),
        (b"tRNS", struct.pack(">3H", 0x1234, 0x5678, 0x9ABC)),
        (b"IDAT", zlib.compress(row)),
        (b"IEND", b""),
    ]
    data = b"\x89PNG\r\n\x1a\n" + b"".join(
        len(body).to_bytes(4, "big") + kind + body + zlib.crc32(kind + body).to_bytes(4, "big")
        for kind, body in chunks
    )
    picture = opened(open(data).render(Recipe.parse({"format": "png"}))).convert("RGBA")
    assert [picture.getpixel((x, 0)) for x in (0, 1)] == [(0x12, 0x56, 0x9A, 0), (0x12, 0x56, 0x9A, 255)]


def test_the_image_of_an_icon_with_most_bits_is_used() -> None:
    assert image("icon-of-two-depths.ico").getpixel((16, 16)) == (200, 40, 30, 255)


def test_an_icon_whose_alpha_says_nothing_is_masked() -> None:
    picture = image("icon-without-alpha.ico")
    assert picture.getpixel((16, 16)) == (200, 40, 30, 255)
    assert picture.getchannel("A").getextrema() == (0, 255)


@pytest.mark.parametrize(
    "name", ["text-of-1.5-megabytes.png", "xml-behind-picture.jp2", "major-brand-mif2.heic"]
)
def test_complete_files_are_read(name: str) -> None:
    assert render(name).width > 0


def test_oversized_text_and_profiles_are_no_damage() -> None:
    packed = zlib.compress(bytes(20_000_000), 9)
    plain = samples.saved(samples.quarters(), "PNG")
    for kind, body in ((b"zTXt", b"prompt\0\0" + packed), (b"iCCP", b"p\0\0" + packed)):
        chunk = len(body).to_bytes(4, "big") + kind + body + zlib.crc32(kind + body).to_bytes(4, "big")
        result = open(plain[:33] + chunk + plain[33:]).render(Recipe.parse({"format": "png"}))
        assert samples.looks_like_quarters(opened(result))


def test_data_after_the_boxes_is_ignored() -> None:
    for name, tail in (
        ("phone.heic", b"\x10\0\0\0\x01\0SEFT" * 20),
        ("deep10.jp2", b"\0\0\0\x09xml x" + bytes(200)),
    ):
        data = (FILES / name).read_bytes()
        assert open(data + tail).render(Recipe.parse({"format": "png"})).width > 0
        with pytest.raises(EngineError) as caught:
            open(data[: len(data) * 2 // 3]).render(Recipe.parse({"format": "png"}))
        assert isinstance(caught.value, Truncated)


def test_a_bare_codestream_may_have_a_tail() -> None:
    plain = samples.saved(samples.quarters(), "JPEG2000", no_jp2=True)
    assert open(plain + bytes(500)).render(Recipe.parse({"format": "png"})).width == 160
    with pytest.raises(Truncated):
        open(plain[: len(plain) // 2])


@pytest.mark.parametrize("brand", [b"mif1", b"mif2", b"msf1", b"heix", b"hevc", b"heim", b"miaf", b"1234"])
def test_a_heic_of_any_brand_is_not_taken_for_a_video(brand: bytes) -> None:
    data = data_of("major-brand-mif2.heic")
    assert open(data[:8] + brand + data[12:]).render(Recipe.parse({"format": "png"})).width == 128


def test_a_targa_image_is_not_taken_for_a_cursor() -> None:
    with pytest.raises(UnsupportedFormat, match="Targa"):
        open(data_of("not-a-cursor.tga"))
    image = samples.saved(Image.new("RGB", (20, 20)), "TGA")
    with pytest.raises(UnsupportedFormat, match="Targa"):
        open(image)
    cursor = b"\0\0\2\0" + samples.saved(Image.new("RGB", (20, 20)), "ICO")[4:]
    with pytest.raises(UnsupportedFormat, match="cursor"):
        open(cursor)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("twelve-bits.jpg", "12-bit"),
    ],
)
def test_a_kind_that_is_not_read_is_named(name: str, words: str) -> None:
    with pytest.raises(UnsupportedVariant, match=words):
        open(data_of(name))


@pytest.mark.parametrize(
    ("marker", "bits", "words"),
    [(0xF7, 8, "JPEG-LS"), (0xC1, 12, "12-bit"), (0xC5, 8, "hierarchical"), (0xCB, 8, "lossless arithmetic")],
)
def test_an_unsupported_jpeg_coding_is_named(marker: int, bits: int, words: str) -> None:
    data = bytearray(samples.saved(samples.quarters(), "JPEG"))
    at = data.index(b"\xff\xc0")
    data[at + 1], data[at + 4] = marker, bits
    with pytest.raises(UnsupportedVariant, match=words):
        open(bytes(data))


def test_smaller_copies_of_a_picture_are_no_pages() -> None:
    facts = probe(data_of("pyramid.tif"))
    assert facts.pages == 1
    assert codes(render("pyramid.tif")).isdisjoint({"first_page_only", "pages_kept"})


@pytest.mark.parametrize(
    "tags", [{254: 1}, {254: 4}, {255: 2}], ids=["smaller", "mask", "smaller, as it was said once"]
)
@pytest.mark.parametrize("first", [True, False], ids=["first", "last"])
def test_a_copy_or_mask_is_no_page_wherever_it_stands(tags: dict[int, int], first: bool) -> None:
    full, copy = samples.quarters(), samples.quarters((40, 30))
    pages = [(copy, tags), (full, {})] if first else [(full, {}), (copy, tags)]
    data = tiff_of(pages)
    facts = probe(data)
    assert (facts.width, facts.height, facts.pages) == (160, 120, 1)
    assert samples.looks_like_quarters(opened(open(data).render(Recipe.parse({"format": "png"}))))


def tiff_of(pages: list[tuple[Any, ...]]) -> bytes:
    """Return a TIFF of these images, each with its own tags."""
    output = BytesIO()
    with TiffImagePlugin.AppendingTiffWriter(output, new=True) as writer:
        for page, tags in pages:
            page.save(writer, "TIFF", tiffinfo=dict(tags))
            writer.newFrame()
    return output.getvalue()
