"""A JPEG can be stored in a JPEG XL and restored byte for byte; libjxl's own programs are the reference."""

from __future__ import annotations

import random
import subprocess
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from converter.engine import Recipe
from converter.engine.raster import convert
from converter.engine.report import Result

from . import samples
from .test_metadata import told as said_of

PACK = {"format": "jxl", "lossless": True, "metadata": "keep"}
UNPACK = {"format": "jpeg", "metadata": "keep"}


def converted(data: bytes, recipe: dict[str, Any]) -> Result:
    [result] = convert(data, Recipe.parse(recipe))
    if isinstance(result, Exception):
        raise result
    return result


def codes(result: Result) -> list[Any]:
    return [(note.code, note.params.get("kind")) for note in result.report.notes if note.code == "exact"]


def jpegs() -> Iterator[Any]:
    photo = samples.photo((160, 120))
    yield "photo", samples.phone_jpeg(orientation=6)
    yield "plain", samples.saved(photo, "JPEG", quality=90)
    yield "progressive", samples.saved(photo, "JPEG", progressive=True)
    yield "full color", samples.saved(photo, "JPEG", subsampling=0, quality=100)
    yield "grey", samples.saved(photo.convert("L"), "JPEG")
    yield "restarts", samples.saved(photo, "JPEG", restart_marker_rows=1)
    yield "optimized", samples.saved(photo, "JPEG", optimize=True, comment=b"hello")
    yield "tail", samples.saved(photo, "JPEG") + b"more bytes after the end"


@pytest.mark.parametrize(
    ("name", "jpeg"), list(jpegs()), ids=lambda value: value if isinstance(value, str) else ""
)
def test_a_jpeg_is_restored_byte_for_byte(name: str, jpeg: bytes, tmp_path: Path) -> None:
    packed = converted(jpeg, PACK)
    assert codes(packed) == [("exact", "whole")]
    restored = converted(packed.data, UNPACK)
    assert codes(restored) == [("exact", "restored")]
    assert restored.data == jpeg
    (tmp_path / "a.jxl").write_bytes(packed.data)
    subprocess.run(["djxl", tmp_path / "a.jxl", tmp_path / "a.jpg"], capture_output=True, check=True)
    assert (tmp_path / "a.jpg").read_bytes() == jpeg


def test_a_photograph_takes_less_room() -> None:
    jpeg = samples.saved(samples.grainy((640, 480)), "JPEG", quality=90)
    assert len(converted(jpeg, PACK).data) < 0.95 * len(jpeg)


def test_without_metadata_only_the_pixels_are_kept() -> None:
    jpeg = samples.phone_jpeg(orientation=1)
    packed = converted(jpeg, {"format": "jxl", "lossless": True})
    assert codes(packed) == [("exact", "picture")]
    assert "location" in packed.report.metadata_removed
    told = said_of(packed.data, "jxl")
    assert not [key for key in told if "GPS" in key or key.endswith(":Make")]
    restored = converted(packed.data, {"format": "jpeg"})
    assert Image.open(BytesIO(restored.data)).tobytes() == Image.open(BytesIO(jpeg)).tobytes()
    assert not [key for key in said_of(restored.data, "jpg") if "GPS" in key or key.endswith(":Make")]


def test_a_location_that_must_be_removed_is_never_kept() -> None:
    packed = converted(samples.phone_jpeg(), {**PACK, "metadata": "strip_location"})
    assert codes(packed) == []
    assert not [key for key in said_of(packed.data, "jxl") if "GPS" in key]


def places() -> Iterator[Any]:
    """Yield JPEGs with a location in places that are easily missed, the first without."""
    photo = samples.photo((32, 24))
    plain, place = samples.saved(photo, "JPEG"), b"Vendor\0GPS 48.2082N 11.5012E"
    exif = Image.Exif()
    exif[0x8769] = {0x927C: place}
    segment = b"\xff\xe7" + (len(place) + 2).to_bytes(2, "big") + place
    yield "nothing", samples.saved(photo, "JPEG", comment=b"hello")
    yield "comment", samples.saved(photo, "JPEG", comment=b"Taken at 48.2082, 11.5012")
    yield "IPTC", samples.saved(photo, "JPEG", extra=samples.app13())
    yield "maker note", samples.saved(photo, "JPEG", exif=exif)
    yield "unknown segment", plain[:2] + segment + plain[2:]
    yield "second picture", plain + samples.phone_jpeg()


@pytest.mark.parametrize(
    ("name", "jpeg"), list(places()), ids=lambda value: value if isinstance(value, str) else ""
)
def test_a_file_that_may_contain_a_location_is_not_copied_unchanged(name: str, jpeg: bytes) -> None:
    no_place = {"metadata": "strip_location"}
    packed = converted(jpeg, {**PACK, **no_place})
    restored = converted(converted(jpeg, PACK).data, {**UNPACK, **no_place})
    is_kept = name == "nothing"
    assert codes(packed) == ([("exact", "whole")] if is_kept else [])
    assert codes(restored) == ([("exact", "restored")] if is_kept else [])
    assert b"48.2082" not in restored.data
    assert b"Munich" not in restored.data


@pytest.mark.parametrize(
    "more",
    [
        {"resize": {"width": 80}},
        {"rotate": 90},
        {"flip": "horizontal"},
        {"crop": {"x": 0, "y": 0, "width": 50, "height": 50}},
        {"watermark": {"text": "me"}},
        {"effort": 4},
        {"dpi": 300},
    ],
    ids=lambda more: next(iter(more)),
)
def test_other_pixels_are_not_called_exact(more: dict[str, Any]) -> None:
    jpeg = samples.saved(samples.photo((160, 120)), "JPEG")
    assert codes(converted(jpeg, {**PACK, **more})) == []


def test_colours_that_must_be_converted_are_converted() -> None:
    jpeg = samples.saved(samples.photo((160, 120)), "JPEG", icc_profile=samples.display_p3())
    assert codes(converted(jpeg, PACK)) == []
    assert codes(converted(jpeg, {**PACK, "color": "keep"})) == [("exact", "whole")]


def test_a_jpeg_that_jpeg_xl_cannot_hold_is_stored_as_pixels() -> None:
    jpeg = samples.saved(samples.photo((160, 120)).convert("CMYK"), "JPEG")
    assert codes(converted(jpeg, PACK)) == []


def test_a_jpeg_xl_made_from_pixels_is_encoded_as_usual() -> None:
    jxl = converted(samples.saved(samples.photo(), "PNG"), {"format": "jxl"}).data
    assert codes(converted(jxl, UNPACK)) == []
    assert codes(converted(jxl, {**UNPACK, "quality": 70})) == []


def test_a_quality_makes_a_new_jpeg() -> None:
    packed = converted(samples.saved(samples.photo(), "JPEG", quality=95), PACK).data
    assert codes(converted(packed, {**UNPACK, "quality": 60})) == []


@pytest.mark.long
def test_damaged_jpegs_are_never_called_exact_unless_they_come_back() -> None:
    jpeg = samples.phone_jpeg()
    chance = random.Random(5)
    for _ in range(60):
        damaged = bytearray(jpeg)
        for _ in range(3):
            damaged[chance.randrange(2, len(damaged))] = chance.randrange(256)
        [result] = convert(bytes(damaged), Recipe.parse(PACK))
        if isinstance(result, Exception) or not codes(result):
            continue
        assert converted(result.data, UNPACK).data == bytes(damaged)
