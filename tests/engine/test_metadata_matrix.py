"""Every kind of metadata from every format to every other under every policy, as read by exiftool."""

from __future__ import annotations

import json
import struct
from io import BytesIO
from typing import Any

import pillow_heif
import pytest
from PIL import Image, PngImagePlugin, TiffImagePlugin

from converter.engine import FORMATS
from converter.engine.raster.codecs.jpeg_xmp import extended_segments
from tests.engine import exiftool, samples
from tests.engine.rendering import codes, render

pytestmark = pytest.mark.slow

POLICIES = ("strip", "strip_location", "keep")
PLACES = ("Munich", "Germany", "48.2", "48 deg", "48,12.5")
WRITTEN = [name for name, format in FORMATS.items() if format.encodes]

# Identifies each kind, as printed by exiftool: group, name and beginning of the value.
MARKS = {
    "exif": ("EXIF", "Artist", "Alice"),
    "xmp": ("XMP", "Format", "image/jpeg"),
    "iptc": ("IPTC", "Headline", "A headline"),
    "comment": ("File", "Comment", "A secret comment"),
    "text": ("PNG", "Author", "Alice"),
}
PLACED = b"A secret comment from 48.2082, 11.5012"
LONG_XMP = samples.XMP.replace(b"image/jpeg", b"image/jpeg" + b" and more words" * 6000)


def png_texts() -> bytes:
    """Return a PNG with IPTC as written by ImageMagick and others, and a text with a location."""
    info = PngImagePlugin.PngInfo()
    info.add_text("Author", "Alice from 48.2082, 11.5012")
    info.add_text("Raw profile type iptc", f"\niptc\n{len(samples.IPTC)}\n{samples.IPTC.hex()}\n", zip=True)
    return samples.saved(samples.quarters(), "PNG", pnginfo=info)


def png_raw() -> bytes:
    """Return a PNG with EXIF, XMP and IPTC as written by ImageMagick and exiftool."""
    info = PngImagePlugin.PngInfo()
    for name, content in (("APP1", samples.exif()), ("xmp", samples.XMP), ("8bim", samples.app13()[18:])):
        info.add_text(f"Raw profile type {name}", f"\n{name}\n{len(content):8}\n{content.hex()}\n", zip=True)
    return samples.saved(samples.quarters(), "PNG", pnginfo=info)


def packed_jpeg() -> bytes:
    return render(samples.phone_jpeg(), format="jxl", lossless=True, metadata="keep").data


def tiff() -> bytes:
    tags = TiffImagePlugin.ImageFileDirectory_v2()
    for tag, kind, value in ((700, 1, samples.XMP), (33723, 7, samples.IPTC)):
        tags.tagtype[tag] = kind
        tags[tag] = value
    return samples.saved(samples.quarters(), "TIFF", tiffinfo=tags)


def heic() -> bytes:
    file = BytesIO()
    image = pillow_heif.from_pillow(samples.quarters())
    image.save(file, exif=samples.exif(), xmp=samples.XMP)
    return file.getvalue()


def gif() -> bytes:
    data = samples.saved(samples.quarters(), "GIF", comment=PLACED)
    start = 13 + 3 * 2 ** ((data[10] & 7) + 1)
    trailer = b"\1" + bytes(range(255, -1, -1)) + b"\0"
    return data[:start] + b"!\xff\x0bXMP DataXMP" + samples.XMP + trailer + data[start:]


def jp2() -> bytes:
    name = bytes.fromhex("be7acfcb97a942e89c71999491e3afac")
    box = struct.pack(">I4s", 24 + len(samples.XMP), b"uuid") + name + samples.XMP
    return samples.saved(samples.quarters(), "JPEG2000", comment=b"") + box


def long_jpeg() -> bytes:
    data = samples.saved(samples.quarters(), "JPEG", comment=PLACED)
    return data[:2] + extended_segments(LONG_XMP) + data[2:]


def sources() -> Any:
    """Return by name: the file, its kinds of metadata, and those with a location."""
    exif, xmp, image = samples.exif(), samples.XMP, samples.quarters()
    both = {"exif", "xmp"}
    return {
        "jpeg": (samples.phone_jpeg(), {*both, "iptc", "comment"}, {*both, "iptc"}),
        "jpeg, extended XMP": (long_jpeg(), {"xmp", "comment"}, {"xmp", "comment"}),
        "png": (samples.png_with_text(), {*both, "text"}, both),
        "png, texts": (png_texts(), {"text", "iptc"}, {"text", "iptc"}),
        "webp": (samples.saved(image, "WEBP", exif=exif, xmp=xmp), both, both),
        "webp, long XMP": (samples.saved(image, "WEBP", xmp=LONG_XMP), {"xmp"}, {"xmp"}),
        "avif": (samples.saved(image, "AVIF", exif=exif, xmp=xmp), both, both),
        "avif, XMP": (samples.saved(image, "AVIF", xmp=xmp), {"xmp"}, {"xmp"}),
        "heic": (heic(), both, both),
        "tiff": (samples.saved(image, "TIFF", exif=exif), {"exif"}, {"exif"}),
        "tiff, XMP and IPTC": (tiff(), {"xmp", "iptc"}, {"xmp", "iptc"}),
        "gif": (samples.saved(image, "GIF", comment=b"A secret comment"), {"comment"}, set()),
        "gif, XMP": (gif(), {"xmp", "comment"}, {"xmp", "comment"}),
        "png, raw": (png_raw(), {*both, "iptc"}, {*both, "iptc"}),
        "jp2": (jp2(), {"xmp"}, {"xmp"}),
        "jp2, EXIF": (render(samples.phone_jpeg(), format="jp2", metadata="keep").data, both, both),
        "jxl": (render(samples.phone_jpeg(), format="jxl", metadata="keep").data, both, both),
        "jxl of a JPEG": (packed_jpeg(), {*both, "iptc", "comment"}, {*both, "iptc"}),
        "jxl, XMP": (render(jp2(), format="jxl", metadata="keep").data, {"xmp"}, {"xmp"}),
    }


def held(target: Any) -> Any:
    """Return the kinds that the format can store, according to its definition."""
    row = FORMATS[target]
    found = {"exif": row.exif, "xmp": row.xmp, "iptc": row.iptc, "comment": row.comment, "text": row.texts}
    return {kind for kind, is_held in found.items() if is_held}


def told(data: Any, extension: Any) -> Any:
    """Return what exiftool reads, except information about the file itself."""
    found = exiftool.read(data, "-G0:1", "-a", "-u", "-ee", extension=extension)
    return {key: str(value) for key, value in found.items() if not key.startswith(("SourceFile", "ExifTool"))}


def seen(values: Any) -> Any:
    kinds = {
        kind
        for kind, (group, name, wanted) in MARKS.items()
        for key, value in values.items()
        if (key.split(":")[0] in (group, "GIF") or (kind == "exif" and "IFD0" in key))
        and key.endswith(f":{name}")
        and value.startswith(wanted)
    }
    words = json.dumps(
        {key: value for key, value in values.items() if "File" not in key or key.endswith(":Comment")}
    )
    if "GPS" in words or any(place in words for place in PLACES):
        kinds.add("location")
    return kinds


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("source", list(sources()))
def test_metadata_follows_the_policy_and_the_report_names_it(source: Any, policy: Any) -> None:
    data, kinds, placed = sources()[source]
    there = kinds | ({"location"} if placed else set())
    for target in WRITTEN:
        result = render(data, format=target, metadata=policy)
        found = seen(told(result.data, result.extension))
        kept = kinds & held(target) if policy != "strip" else set()
        if policy == "keep" and kept & placed:
            kept.add("location")
        assert found == kept, f"{source} to {target}"
        assert not (policy == "strip" and any(place.encode() in result.data for place in PLACES[:2]))
        removed = {"comment" if kind == "text" else kind for kind in there - kept}
        assert removed - {"comment"} <= set(result.report.metadata_removed), f"{source} to {target}"
        if policy == "keep" and removed - {"location"}:
            assert "metadata_not_kept" in codes(result), f"{source} to {target}"


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("target", [name for name in WRITTEN if name not in ("jxl", "pdf")])
def test_a_profile_that_is_kept_is_no_metadata(target: Any, policy: Any) -> None:
    """Except in formats where exiftool does not look for profiles."""
    data = samples.saved(samples.photo((40, 30)), "JPEG", icc_profile=samples.display_p3())
    result = render(data, format=target, metadata=policy, color="keep")
    values = told(result.data, result.extension)
    has_profile = any(value.startswith("Display P3") for value in values.values())
    assert has_profile == FORMATS[target].icc
    assert ("profile_not_kept" in codes(result)) == (not FORMATS[target].icc)


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("target", WRITTEN)
def test_a_maker_note_with_a_location_is_removed_and_reported_if_it_was_to_be_kept(
    target: Any, policy: Any
) -> None:
    block = Image.Exif()
    block[0x013B] = "Alice"
    block[0x8769] = {0x9003: "2026:05:01 12:30:00", 0x927C: b"Vendor\0GPS 48.2082N 11.5012E Munich"}
    data = samples.saved(samples.quarters(), "JPEG", exif=block.tobytes())
    result = render(data, format=target, metadata=policy)
    assert b"Munich" not in result.data
    is_held = policy != "strip" and FORMATS[target].exif
    assert seen(told(result.data, result.extension)) == ({"exif"} if is_held else set())
    assert ("maker_note_not_kept" in codes(result)) == is_held
