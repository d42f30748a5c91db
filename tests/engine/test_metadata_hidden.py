"""Metadata in unusual places: hexadecimal text in PNG, boxes of JPEG 2000, the JPEG inside a JPEG XL."""

from __future__ import annotations

import struct
import subprocess
from pathlib import Path
from typing import Any

import pytest
from PIL import PngImagePlugin

from converter.engine import FORMATS
from converter.engine.raster import open
from tests.engine import exiftool, samples
from tests.engine.rendering import WRITTEN, codes, render

XMP_OF_JPEG = b"http://ns.adobe.com/xap/1.0/\0"
RESOURCES = samples.app13()[18:]
IPTC_OF_JP2 = bytes.fromhex("33c7a4d2b81d4723a0baf1a3e097ad38")
PLACE_OF_JP2 = bytes.fromhex("b14bf8bd083d4b43a5ae8cd7d5a6ce03")

RAW = {
    "exif": samples.exif(6),
    "APP1": samples.exif(6),
    "APP1 with XMP": XMP_OF_JPEG + samples.XMP,
    "xmp": samples.XMP,
    "iptc": samples.IPTC,
    "8bim": RESOURCES,
}
MARKS = {"Alice": "EXIF:IFD0:Artist", "image/jpeg": "XMP:XMP-dc:Format", "A headline": "IPTC:Headline"}


def with_raw(name: str, content: bytes, kind: str = "zTXt") -> bytes:
    digits = content.hex()
    lines = "\n".join(digits[at : at + 72] for at in range(0, len(digits), 72))
    text = f"\n{name}\n{len(content):8}\n{lines}\n"
    info = PngImagePlugin.PngInfo()
    if kind == "iTXt":
        info.add_itxt(f"Raw profile type {name}", text, zip=True)
    else:
        info.add_text(f"Raw profile type {name}", text, zip=kind == "zTXt")
    return samples.saved(samples.quarters(), "PNG", pnginfo=info)


def said(data: bytes, extension: str) -> dict[str, str]:
    found = exiftool.read(data, "-G0:1", "-a", "-u", extension=extension)
    return {key: str(value) for key, value in found.items() if not key.startswith(("SourceFile", "ExifTool"))}


def tells_place(values: dict[str, str]) -> bool:
    words = " ".join(f"{key} {value}" for key, value in values.items() if ":System:" not in key)
    return any(word in words for word in ("GPS", "Munich", "Germany", "48 deg", "48,12.5"))


def boxed(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I4s", 24 + len(content), b"uuid") + name + content


def jp2() -> bytes:
    return samples.saved(samples.quarters(), "JPEG2000", comment=b"")


@pytest.mark.parametrize("raw", RAW)
def test_hexadecimal_texts_of_a_png_are_kept_as_what_they_are(raw: str) -> None:
    data = with_raw(raw.split()[0], RAW[raw])
    assert tells_place(said(data, "png"))
    assert open(data).facts.has_location
    result = render(data, format="jpeg", metadata="keep")
    values = said(result.data, "jpg")
    assert [mark for mark, key in MARKS.items() if values.get(key) == mark]
    assert tells_place(values)
    assert "metadata_unread" not in codes(result)


@pytest.mark.parametrize("policy", ["strip", "strip_location"])
@pytest.mark.parametrize("raw", RAW)
def test_hexadecimal_texts_of_a_png_leak_no_location(raw: str, policy: str) -> None:
    for kind, case in (("tEXt", str), ("zTXt", str.lower), ("iTXt", str)):
        data = with_raw(raw.split()[0], RAW[raw], kind)
        data = data.replace(b"Raw profile", b"raw profile") if case is str.lower else data
        result = render(data, metadata=policy)
        assert not tells_place(said(result.data, "png"))
        keeps_iptc = policy == "strip_location" and raw in ("iptc", "8bim")
        assert keeps_iptc or b"aw profile" not in result.data
    assert "location" in render(with_raw(raw.split()[0], RAW[raw]), metadata=policy).report.metadata_removed


@pytest.mark.parametrize(
    ("name", "content", "kind"), [("exif", b"", "exif"), ("maker", b"secret", "comment")]
)
def test_a_hexadecimal_text_that_cannot_be_read_is_named(name: str, content: bytes, kind: str) -> None:
    data = with_raw(name, content)
    if name == "exif":
        info = PngImagePlugin.PngInfo()
        info.add_text("Raw profile type exif", "\nexif\n  20\nno digits\n")
        data = samples.saved(samples.quarters(), "PNG", pnginfo=info)
    result = render(data, metadata="keep")
    (warning,) = [note for note in result.report.warnings if note.code == "metadata_unread"]
    assert warning.params == {"kinds": [kind]}


@pytest.mark.long
def test_exif_and_xmp_of_jpeg_2000_are_kept_and_turn_nothing(tmp_path: Path) -> None:
    """As exiftool writes them; no JPEG 2000 decoder applies the EXIF orientation."""
    source, target = tmp_path / "source.jpg", tmp_path / "target.jp2"
    source.write_bytes(samples.phone_jpeg(6))
    target.write_bytes(jp2())
    copy = [
        "exiftool",
        "-tagsfromfile",
        str(source),
        "-all:all",
        "-unsafe",
        "-overwrite_original",
        str(target),
    ]
    subprocess.run(copy, check=True, capture_output=True)
    data = target.read_bytes()
    assert said(data, "jp2")["EXIF:IFD0:Orientation"] == "Rotate 90 CW"
    for name in ("jpeg", "jp2"):
        result = render(data, format=name, metadata="keep")
        values = said(result.data, result.extension)
        assert (result.width, result.height) == (160, 120)
        assert "upright" not in codes(result)
        assert values["EXIF:IFD0:Artist"] == "Alice"
        assert values["XMP:XMP-dc:Format"] == "image/jpeg"
        assert values.get("EXIF:IFD0:Orientation", "Horizontal (normal)") == "Horizontal (normal)"
        assert tells_place(values)


@pytest.mark.parametrize("policy", ["strip", "strip_location", "keep"])
def test_jpeg_2000_is_written_with_what_the_policy_leaves(policy: str) -> None:
    result = render(samples.phone_jpeg(), format="jp2", metadata=policy)
    values = said(result.data, "jp2")
    assert ("EXIF:IFD0:Artist" in values) == (policy != "strip")
    assert ("XMP:XMP-dc:Format" in values) == (policy != "strip")
    assert tells_place(values) == (policy == "keep")
    again = render(result.data, metadata="keep")
    assert ("metadata_kept" in codes(again)) == (policy != "strip")
    assert samples.looks_like_quarters(samples.opened(again), 30)


@pytest.mark.parametrize(("name", "kind"), [(IPTC_OF_JP2, "iptc"), (PLACE_OF_JP2, "location")])
def test_other_boxes_of_jpeg_2000_are_named(name: bytes, kind: str) -> None:
    result = render(jp2() + boxed(name, samples.IPTC), metadata="keep")
    (warning,) = [note for note in result.report.warnings if note.code == "metadata_unread"]
    assert warning.params == {"kinds": [kind]}
    assert kind in result.report.metadata_removed


@pytest.mark.parametrize("policy", ["strip", "strip_location", "keep"])
def test_iptc_and_comment_of_the_jpeg_in_a_jpeg_xl_are_kept_or_named(policy: str) -> None:
    packed = render(samples.phone_jpeg(), format="jxl", lossless=True, metadata="keep").data
    assert open(packed).facts.has_location
    for target in WRITTEN:
        result = render(packed, format=target, metadata=policy, resize={"width": 60})
        values: dict[str, Any] = said(result.data, result.extension)
        row, keeps = FORMATS[target], policy != "strip"
        assert ("IPTC:Headline" in values) == (row.iptc and keeps)
        assert ("A secret comment" in values.values()) == (row.comment and keeps)
        lost = {kind for kind, held in (("iptc", row.iptc), ("comment", row.comment)) if not (held and keeps)}
        assert lost <= set(result.report.metadata_removed)
        if keeps and lost:
            assert "metadata_not_kept" in codes(result)
        if policy != "keep":
            assert not tells_place(values)


def test_a_jpeg_without_them_is_not_restored_to_look_for_them(monkeypatch: pytest.MonkeyPatch) -> None:
    from converter.engine.raster.codecs import jxl

    packed = render(samples.saved(samples.quarters(), "JPEG"), format="jxl", lossless=True).data
    monkeypatch.setattr(jxl, "jpeg_inside", lambda _: pytest.fail("restored for nothing"))
    open(packed)
