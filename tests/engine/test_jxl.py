"""JPEG XL, tested with libjxl's own programs, which are built from another version than ours."""

from __future__ import annotations

import struct
import subprocess
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pytest
from PIL import Image, ImageChops, ImageStat

from converter.engine import FORMATS, Recipe
from converter.engine.errors import Corrupt, Truncated, UnsupportedVariant
from converter.engine.formats import Format
from converter.engine.raster import convert, open, probe
from converter.engine.raster.codecs import CODECS
from converter.engine.raster.codecs.boxes import boxes
from converter.engine.raster.codecs.jxl_header import Header, header
from converter.engine.report import Result

from . import samples
from .rendering import render
from .test_metadata import told as said_of

PHOTO = samples.saved(samples.photo(), "PNG")


@pytest.fixture
def cjxl(tmp_path: Path) -> Any:
    """Return a function that encodes a file with cjxl."""

    def run(data: Any, extension: Any, *options: Any) -> Any:
        source, target = tmp_path / f"in.{extension}", tmp_path / "out.jxl"
        source.write_bytes(data)
        subprocess.run(["cjxl", source, target, *options], capture_output=True, check=True)
        return target.read_bytes()

    return run


@pytest.fixture
def djxl(tmp_path: Path) -> Any:
    """Return a function that decodes a JPEG XL with djxl."""

    def run(data: Any, extension: str = "png") -> Any:
        source, target = tmp_path / "in.jxl", tmp_path / f"out.{extension}"
        source.write_bytes(data)
        subprocess.run(["djxl", source, target], capture_output=True, check=True)
        return Image.open(BytesIO(target.read_bytes()))

    return run


def converted(data: bytes, **recipe: Any) -> Result:
    [result] = convert(data, Recipe.parse({"format": "jxl", **recipe}))
    if isinstance(result, Exception):
        raise result
    return result


def as_png(data: bytes) -> Image.Image:
    return Image.open(
        BytesIO(open(data).render(Recipe.parse({"format": "png", "depth": 8, "color": "keep"})).data)
    )


def differ(one: Image.Image, other: Image.Image) -> int:
    return max(max(band.tobytes()) for band in ImageChops.difference(one, other.convert(one.mode)).split())


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "LA"])
def test_lossless_keeps_every_pixel(mode: str, djxl: Callable[..., Any]) -> None:
    source = samples.photo().convert(mode)
    if "A" in mode:
        source.putalpha(Image.linear_gradient("L").resize(source.size))
    seen = djxl(converted(samples.saved(source, "PNG"), lossless=True).data)
    assert seen.convert(mode).tobytes() == source.tobytes()


def test_a_higher_quality_is_nearer_and_larger(djxl: Callable[..., Any]) -> None:
    results = {quality: converted(PHOTO, quality=quality).data for quality in (1, 20, 29, 30, 60, 90, 100)}
    sizes = [len(data) for data in results.values()]
    assert sizes == sorted(sizes)
    assert len(set(sizes)) == len(sizes)
    error = ImageStat.Stat(
        ImageChops.difference(samples.photo().convert("L"), djxl(results[90]).convert("L"))
    )
    assert error.mean[0] < 1.5


@pytest.mark.long
def test_it_is_far_smaller_than_webp_for_the_same_quality() -> None:
    source = samples.saved(samples.grainy((640, 480)), "PNG")
    [webp] = samples.render_all(source, Recipe.parse({"format": "webp", "quality": 90}))
    assert len(converted(source, quality=90).data) < len(webp.data)


def test_metadata_is_kept_where_every_tool_finds_it() -> None:
    result = converted(samples.phone_jpeg(orientation=6), metadata="keep")
    told = said_of(result.data, "jxl")
    assert told["File:FileType"] == "JXL"
    assert any(key.endswith(":GPSLatitude") for key in told)
    assert any(key.endswith(":Make") for key in told)
    assert Image.open(BytesIO(samples.phone_jpeg(orientation=6))).size == (result.height, result.width)
    stripped = said_of(converted(samples.phone_jpeg(), metadata="strip").data, "jxl")
    assert not [key for key in stripped if "GPS" in key or key.endswith(":Make")]


def test_a_profile_is_kept_or_converted(djxl: Callable[..., Any]) -> None:
    source = samples.saved(samples.photo(), "PNG", icc_profile=samples.display_p3())
    kept = djxl(converted(source, color="keep", lossless=True).data)
    assert kept.info["icc_profile"][36:40] == b"acsp"
    assert kept.convert("RGB").tobytes() == samples.photo().tobytes()
    assert probe(converted(source, color="keep").data).profile == "Display P3"
    assert probe(converted(source).data).profile in (None, "sRGB")


def test_profile_and_metadata_are_kept_together(djxl: Callable[..., Any]) -> None:
    profile, exif = samples.display_p3(), samples.exif()
    data = samples.saved(samples.quarters(), "JPEG", icc_profile=profile, exif=exif, xmp=samples.XMP)
    result = converted(data, color="keep", metadata="keep")
    assert djxl(result.data).size == (160, 120)
    said = said_of(result.data, "jxl").values()
    assert {"Phonemaker", "image/jpeg"} <= set(map(str, said))
    assert probe(result.data).profile == "Display P3"
    assert as_png(result.data).size == (160, 120)


@pytest.mark.long
@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L"])
def test_files_of_other_programs_are_read_exactly(mode: str, cjxl: Callable[..., Any]) -> None:
    source = samples.photo().convert(mode)
    data = cjxl(samples.saved(source, "PNG"), "png", "-d", "0")
    assert as_png(data).convert(mode).tobytes() == source.tobytes()


def test_lossy_files_of_others_look_as_they_look_there(
    cjxl: Callable[..., Any], djxl: Callable[..., Any]
) -> None:
    data = cjxl(PHOTO, "png", "-d", "1.5")
    assert differ(as_png(data).convert("RGB"), djxl(data)) <= 2


def test_deep_grey_is_read(cjxl: Callable[..., Any]) -> None:
    values = list(range(0, 65536, 16))
    source = Image.frombytes("I;16", (64, 64), struct.pack("<4096H", *values))
    data = cjxl(samples.saved(source, "PNG"), "png", "-d", "0")
    assert probe(data).bits == 16
    grey = as_png(data).convert("RGB").getchannel("R").tobytes()
    assert all(abs(seen - value / 257) <= 1 for seen, value in zip(grey, values, strict=True))


@pytest.mark.parametrize("form", [np.float16, np.float32])
@pytest.mark.parametrize("channels", [1, 3])
def test_shadows_of_linear_light_in_floating_point_have_no_steps(form: Any, channels: int) -> None:
    shades = np.linspace(0, 1, 256)
    light = np.where(shades <= 0.04045, shades / 12.92, ((shades + 0.055) / 1.055) ** 2.4).astype(form)
    rows = light[np.newaxis].repeat(16, axis=0)
    pixels = rows if channels == 1 else rows[..., np.newaxis].repeat(3, axis=2)
    data = bytes(imagecodecs.jpegxl_encode(np.ascontiguousarray(pixels), lossless=True))
    shown = samples.opened(render(data, depth=8)).convert("L")
    assert [shown.getpixel((level, 8)) for level in range(256)] == pytest.approx(range(256), abs=1)


@pytest.mark.parametrize("turn", range(1, 9))
def test_a_turned_jpeg_inside_is_shown_upright_once(
    turn: int, cjxl: Callable[..., Any], djxl: Callable[..., Any]
) -> None:
    source = samples.quarters((80, 60))
    data = cjxl(samples.saved(source, "JPEG", exif=samples.exif(turn), quality=95), "jpg")
    assert differ(as_png(data).convert("RGB"), djxl(data)) <= 8
    assert probe(data).orientation == turn


def test_an_animation_is_refused_by_name(cjxl: Callable[..., Any]) -> None:
    with pytest.raises(UnsupportedVariant, match="animation"):
        open(cjxl(samples.animated("PNG"), "png", "-d", "0"))
    with pytest.raises(UnsupportedVariant, match="animation"):
        open(cjxl(samples.animated("PNG"), "png", "-d", "1"))


@pytest.mark.long
def test_still_files_of_every_kind_of_header_are_no_animations(cjxl: Callable[..., Any]) -> None:
    for size in ((64, 64), (61, 47), (256, 128), (1, 9)):
        for options in (("-d", "0"), ("-d", "2"), ("--container=1",), ("-p",)):
            assert header(cjxl(samples.saved(samples.photo(size), "PNG"), "png", *options)) == Header()
    assert header(b"") == Header()
    assert header(b"\xff\x0a") == Header()


def test_a_file_cut_off_is_incomplete() -> None:
    data = converted(PHOTO).data
    for length in (len(data) // 2, len(data) - 5):
        with pytest.raises(Truncated):
            open(data[:length]).render(Recipe.parse({"format": "png"}))


def test_a_damaged_file_is_damaged() -> None:
    data = bytearray(converted(PHOTO).data)
    data[40:400] = bytes(360)
    with pytest.raises((Corrupt, Truncated)):
        open(bytes(data)).render(Recipe.parse({"format": "png"}))


@pytest.mark.parametrize("tail", [b"and more", b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom" + bytes(3000)])
def test_a_tail_after_the_end_does_no_harm(tail: bytes) -> None:
    data = converted(PHOTO, metadata="keep").data
    assert as_png(data + tail).tobytes() == as_png(data).tobytes()


def test_the_library_is_tested_before_it_is_used() -> None:
    assert CODECS["jxl"].problems() == []


def test_without_its_package_the_format_is_not_there() -> None:
    elsewhere = Format("x", "X", ("x",), "image/x", b"x", package="no_such_package")
    assert not elsewhere.is_installed
    assert FORMATS["jxl"].is_installed


def boxed(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I4s", 8 + len(content), kind) + content


def contents(data: bytes) -> list[tuple[bytes, bytes]]:
    return [(kind, data[start:end]) for kind, start, end in boxes(data)]


@pytest.mark.parametrize("first", [2, 3, 9, 40])
def test_a_codestream_in_parts_is_read_as_a_whole(first: int) -> None:
    packed = converted(samples.phone_jpeg(orientation=6), lossless=True, metadata="keep").data
    stream = b"".join(content[4:] for kind, content in contents(packed) if kind == b"jxlp")
    stream = stream or dict(contents(packed))[b"jxlc"]
    numbers = (0).to_bytes(4, "big"), (0x8000_0001).to_bytes(4, "big")
    parts = boxed(b"jxlp", numbers[0] + stream[:first]) + boxed(b"jxlp", numbers[1] + stream[first:])
    split = packed[:32] + parts
    assert probe(split).orientation == probe(packed).orientation == 6
    turned = {"format": "png", "metadata": "strip"}
    found = [samples.opened(open(data).render(Recipe.parse(turned))) for data in (packed, split)]
    assert found[0].tobytes() == found[1].tobytes()


@pytest.mark.parametrize("policy", ["strip", "strip_location", "keep"])
def test_metadata_in_compressed_boxes_is_treated_as_any(policy: str) -> None:
    """`brob`, ISO/IEC 18181-2, 9.6; the installed exiftool cannot read it."""
    plain = converted(samples.phone_jpeg(), metadata="keep").data
    compressed = b"".join(
        boxed(b"brob", kind + bytes(imagecodecs.brotli_encode(content)))
        if kind in (b"Exif", b"xml ")
        else boxed(kind, content)
        for kind, content in contents(plain)
    )
    assert b"Alice" not in compressed
    recipe = Recipe.parse({"format": "png", "metadata": policy})
    found = [open(data).render(recipe) for data in (plain, compressed)]
    assert found[0].data == found[1].data
    assert found[0].report.metadata_removed == found[1].report.metadata_removed
