"""AVIF and HEIC of several images, or branded as sequences: read as by Chromium and libheif, or refused."""

from __future__ import annotations

import struct
import time
from dataclasses import replace
from typing import Any

import pytest
from PIL import Image

from converter.engine import UnsupportedVariant
from converter.engine.errors import Corrupt
from converter.engine.raster import open, probe
from converter.engine.raster.codecs.heic_colors import with_known_colors
from tests.engine import samples
from tests.engine.heifs import Item, box, coded, full, grid, made, overlay, same, uncompressed
from tests.engine.rendering import render

RED, GREEN, BLUE, WHITE = ((220, 30, 30), (30, 180, 60), (40, 60, 210), (255, 255, 255))
HEIC, AVIF = (b"mif1", b"heic"), (b"avif", b"mif1", b"miaf")
KINDS = {b"hvc1": HEIC, b"av01": AVIF}
TURNED = box(b"irot", b"\1")  # 90° anticlockwise


@pytest.fixture(scope="module")
def pictures() -> Any:
    """Return by compression: an image of four red and green quarters, 64×64 pixels."""
    drawn = [samples.quarters((64, 64)), Image.new("RGB", (64, 64), RED), Image.new("RGB", (64, 64), GREEN)]
    return {kind: [coded(image, kind) for image in drawn] for kind in KINDS}


def corners(data: bytes) -> Any:
    """Return the size, and the colours near each corner, row by row."""
    image = samples.opened(render(data)).convert("RGB")
    across, down = (image.width // 10, image.width - 3), (image.height // 10, image.height - 3)
    return image.size, [image.getpixel((x, y)) for y in down for x in across]


def assert_shows(data: bytes, size: Any, colors: Any) -> None:
    found = corners(data)
    assert found[0] == size
    for color, wanted in zip(found[1], colors, strict=True):
        assert samples.is_near(color, wanted, 3)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("size", [(128, 64), (101, 63)])
def test_a_grid_is_one_picture_whatever_its_size(pictures: Any, kind: bytes, size: Any) -> None:
    _, red, green = pictures[kind]
    data = made([grid(1, 2, size, [2, 3]), red, green], brands=KINDS[kind])
    assert_shows(data, size, [RED, GREEN, RED, GREEN])


@pytest.mark.parametrize("kind", KINDS)
def test_a_grid_is_turned_and_mirrored_as_a_whole(pictures: Any, kind: bytes) -> None:
    _, red, green = pictures[kind]
    whole = grid(1, 2, (128, 64), [2, 3])
    told = [*whole.properties, TURNED, box(b"imir", b"\0")]  # flipped vertically, after rotation
    data = made([replace(whole, properties=told), red, green], brands=KINDS[kind])
    assert_shows(data, (64, 128), [RED, RED, GREEN, GREEN])


def test_an_overlay_of_heic_is_laid_on_its_colour(pictures: Any) -> None:
    _, red, green = pictures[b"hvc1"]
    blue = (40 * 257, 60 * 257, 210 * 257, 65_535)
    whole = overlay((128, 96), [(-10, -10), (64, 32)], [2, 3], blue)
    assert_shows(made([whole, red, green]), (128, 96), [RED, BLUE, BLUE, GREEN])


def test_a_heic_that_is_another_picture_turned_is_turned(pictures: Any) -> None:
    quarters, *_ = pictures[b"hvc1"]
    plain, turned = same((64, 64), 2), same((64, 64), 2, TURNED)
    assert_shows(made([plain, quarters]), (64, 64), [RED, GREEN, BLUE, WHITE])
    assert_shows(made([turned, quarters]), (64, 64), [GREEN, WHITE, RED, BLUE])


def test_derived_images_that_libavif_does_not_support_are_not_called_damaged(pictures: Any) -> None:
    quarters, red, green = pictures[b"av01"]
    small = coded(Image.new("RGB", (64, 48), RED), b"av01")
    for items in (
        [overlay((128, 96), [(0, 0), (64, 32)], [2, 3], (0, 0, 0, 65_535)), red, green],
        [same((64, 64), 2), quarters],
        [grid(1, 2, (128, 48), [2, 3]), small, small],
    ):
        with pytest.raises(UnsupportedVariant, match="composed of several images"):
            render(made(items, brands=AVIF))


@pytest.mark.parametrize("brands", [HEIC, AVIF])
def test_pixels_without_compression_are_refused_by_that_name(brands: Any) -> None:
    data = made([uncompressed(samples.quarters((64, 64)))], brands=brands)
    with pytest.raises(UnsupportedVariant, match="without compression"):
        open(data)


@pytest.mark.parametrize(
    ("kind", "words"),
    [(b"vvc1", "VVC"), (b"avc1", "H.264"), (b"jpeg", "JPEG"), (b"j2k1", "JPEG 2000"), (b"evc1", "EVC")],
)
def test_another_compression_is_named_also_within_a_grid(pictures: Any, kind: bytes, words: str) -> None:
    other = replace(pictures[b"hvc1"][0], kind=kind)
    for items in ([other], [grid(1, 2, (128, 64), [2, 2]), other]):
        with pytest.raises(UnsupportedVariant, match=f"This HEIC uses {words} compression"):
            open(made(items))


@pytest.mark.parametrize(
    ("kind", "brands", "format"),
    [
        (b"av01", (b"mif1", b"miaf"), "avif"),
        (b"av01", HEIC, "avif"),
        (b"hvc1", AVIF, "heic"),
        (b"hvc1", (b"1234", b"mif1"), "heic"),
    ],
)
def test_the_format_is_what_the_picture_is_coded_in(
    pictures: Any, kind: bytes, brands: Any, format: str
) -> None:
    data = made([pictures[kind][0]], brands=brands)
    assert probe(data).format == format
    assert_shows(data, (64, 64), [RED, GREEN, BLUE, WHITE])


@pytest.mark.parametrize(
    ("kind", "brands"),
    [
        (b"hvc1", (b"msf1", b"hevc", b"mif1")),
        (b"hvc1", (b"msf1", b"mif1", b"heic")),
        (b"hvc1", (b"heic", b"mif1", b"msf1", b"hevc")),
        (b"av01", (b"msf1", b"avis", b"mif1")),
        (b"av01", (b"avis", b"avif")),
    ],
)
def test_the_still_picture_of_a_file_named_as_a_sequence_is_read(
    pictures: Any, kind: bytes, brands: Any
) -> None:
    assert_shows(made([pictures[kind][0]], brands=brands), (64, 64), [RED, GREEN, BLUE, WHITE])


def test_a_heic_with_a_track_beside_its_picture_shows_the_picture(pictures: Any) -> None:
    data = made([pictures[b"hvc1"][0]], brands=(b"msf1", b"hevc", b"mif1", b"heic"))
    assert_shows(data + box(b"moov", box(b"free", bytes(8))), (64, 64), [RED, GREEN, BLUE, WHITE])


def test_a_heic_of_tracks_alone_is_a_sequence() -> None:
    data = box(b"ftyp", b"hevc" + bytes(4) + b"hevcmsf1") + box(b"moov", b"") + box(b"mdat", bytes(9))
    with pytest.raises(UnsupportedVariant, match="sequence"):
        open(data)


def test_an_avif_of_tracks_alone_is_an_animation() -> None:
    data = samples.animated("AVIF", 3, size=(30, 20), alpha=False)
    tracks = data.replace(b"meta", b"free", 1)
    assert probe(tracks).frames == 3
    assert samples.opened(render(tracks)).tobytes() == samples.opened(render(data)).tobytes()


def test_a_picture_kept_in_the_header_is_whole(pictures: Any) -> None:
    (quarters, *_) = pictures[b"av01"]
    data = made([quarters], brands=AVIF)
    at = data.index(b"iloc")
    version = data[:at] + b"iloc\1\0\0\0" + data[at + 8 :]
    # Version 1 has two bytes between an item's id and the location of its data: 1 for `idat`.
    entry = at + 12 + 2
    moved = version[:entry] + b"\0\1" + version[entry:]
    meta = data.index(b"meta")
    length = int.from_bytes(data[at + 18 + 4 : at + 18 + 8], "big")
    held = box(b"idat", quarters.data)
    grown = bytearray(moved[: moved.index(b"mdat") - 4] + held)
    for start, more in ((at - 4, 2), (meta - 4, 2 + len(held))):
        grown[start : start + 4] = (int.from_bytes(grown[start : start + 4], "big") + more).to_bytes(4, "big")
    grown[entry + 6 : entry + 10] = bytes(4)
    assert length == len(quarters.data)
    assert_shows(bytes(grown), (64, 64), [RED, GREEN, BLUE, WHITE])


def test_items_that_are_made_of_each_other_end() -> None:
    first = Item(b"grid", b"", [], {b"dimg": [2]})
    with pytest.raises(UnsupportedVariant):
        open(made([first, Item(b"iovl", b"", [], {b"dimg": [1]})], brands=AVIF))


def beside(main: Item, other: Item, kind: bytes, role: bytes = b"") -> list[Item]:
    """Return the main image and another that refers to it, with this type of reference and role."""
    told = [full(b"auxC", b"urn:mpeg:mpegB:cicp:systems:auxiliary:" + role + b"\0")] if role else []
    return [main, replace(other, properties=[*other.properties, *told], refers={kind: [1]}, hidden=True)]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("reference", "role"), [(b"auxl", b"depth"), (b"thmb", b"")])
def test_depth_and_thumbnails_are_no_pages(pictures: Any, kind: bytes, reference: bytes, role: bytes) -> None:
    quarters, red, _ = pictures[kind]
    data = made(beside(quarters, red, reference, role), brands=KINDS[kind])
    assert (probe(data).pages, probe(data).has_alpha) == (1, False)
    assert_shows(data, (64, 64), [RED, GREEN, BLUE, WHITE])


@pytest.mark.parametrize("kind", KINDS)
def test_a_picture_is_cut_then_turned_then_mirrored(pictures: Any, kind: bytes) -> None:
    quarters, *_ = pictures[kind]
    cut = box(b"clap", struct.pack(">IIIIiIiI", 32, 1, 24, 1, 4, 1, -2, 1))
    told = [*quarters.properties, cut, TURNED, box(b"imir", b"\1")]  # mirrored horizontally
    data = made([replace(quarters, properties=told)], brands=KINDS[kind])
    assert_shows(data, (24, 32), [WHITE, GREEN, BLUE, RED])


@pytest.mark.parametrize("kind", KINDS)
def test_colours_multiplied_by_their_alpha_are_divided_again(kind: bytes) -> None:
    half = Image.new("L", (64, 64), 128)
    drawn = samples.quarters((64, 64))
    dark = Image.composite(drawn, Image.new("RGB", drawn.size), half)
    alpha = half if kind == b"av01" else half.convert("RGB")
    items = beside(coded(dark, kind), coded(alpha, kind), b"auxl", b"alpha")
    data = made([replace(items[0], refers={b"prem": [2]}), items[1]], brands=KINDS[kind])
    image = samples.opened(render(data))
    assert image.getchannel("A").getextrema() == (128, 128)
    assert samples.looks_like_quarters(image, 6)


def test_a_second_picture_without_a_size_is_damaged(pictures: Any) -> None:
    """libheif reports no size for an image without properties, but decodes it."""
    whole, red, _ = pictures[b"hvc1"]
    data = made([whole, replace(red, properties=[told for told in red.properties if told[4:8] != b"ispe"])])
    with pytest.raises(Corrupt):
        render(data, format="tiff")


@pytest.mark.parametrize("brands", [(b"mif2", b"miaf"), (b"heic", b"miaf"), (b"heix", b"1pic")])
def test_a_heic_needs_no_usual_brand_among_its_compatible_ones(pictures: Any, brands: Any) -> None:
    assert_shows(made([pictures[b"hvc1"][1]], brands=brands), (64, 64), [RED] * 4)


def named(item: Item, *codes: int) -> Item:
    """Return the item with these code points for primaries, transfer function and matrix."""
    told = [kind for kind in item.properties if kind[4:8] != b"colr"]
    color = box(b"colr", b"nclx" + struct.pack(">HHHB", *codes, 0x80))
    return replace(item, properties=[*told, color])


@pytest.mark.parametrize("codes", [(0, 13, 6), (3, 13, 6), (99, 3, 6), (1, 200, 6), (1, 13, 3)])
def test_reserved_code_points_of_a_heic_are_taken_for_unspecified(pictures: Any, codes: Any) -> None:
    assert_shows(made([named(pictures[b"hvc1"][1], *codes)]), (64, 64), [RED] * 4)


def test_many_reserved_code_points_of_a_large_heic_are_replaced_in_time() -> None:
    meta = box(b"meta", bytes(4) + box(b"colr", b"nclx" + struct.pack(">HHHB", 99, 99, 99, 0)) * 5_000)
    pixels = box(b"mdat", bytes(10_000_000))
    began = time.process_time()
    assert with_known_colors(meta + pixels) == meta.replace(b"\0\x63", b"\0\2") + pixels
    assert time.process_time() - began < 5


@pytest.mark.parametrize("kind", KINDS)
def test_a_picture_that_needs_an_unknown_property_is_refused_by_its_name(pictures: Any, kind: bytes) -> None:
    red = pictures[kind][1]
    told = [*red.properties, box(b"zoom", b"1")]  # `made` marks all as essential
    with pytest.raises(UnsupportedVariant, match="without its part “zoom”"):
        open(made([replace(red, properties=told)], brands=KINDS[kind]))
