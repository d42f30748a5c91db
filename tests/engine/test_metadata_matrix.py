"""Every kind of metadata from every format to every other under every policy, as exiftool sees it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from converter.engine import FORMATS
from tests.engine import exiftool, samples
from tests.engine.rendering import render

pytestmark = pytest.mark.slow

POLICIES = ("strip", "strip_location", "keep")
PLACES = ("Munich", "Germany", "48.2", "48 deg", "48,12.5")

# What tells each kind apart, as exiftool writes group and name.
MARKS = {
    "exif": ("EXIF", "Artist", "Alice"),
    "xmp": ("XMP", "Format", "image/jpeg"),
    "iptc": ("IPTC", "Headline", "A headline"),
    "comment": ("File", "Comment", "A secret comment"),
    "text": ("PNG", "Author", "Alice"),
}


def sources() -> Any:
    exif, xmp, image = samples.exif(), samples.XMP, samples.quarters()
    return {
        "jpeg": (samples.phone_jpeg(), {"exif", "xmp", "iptc", "comment", "location"}),
        "png": (samples.png_with_text(), {"exif", "xmp", "text", "location"}),
        "webp": (samples.saved(image, "WEBP", exif=exif, xmp=xmp), {"exif", "xmp", "location"}),
        "avif": (samples.saved(image, "AVIF", exif=exif, xmp=xmp), {"exif", "xmp", "location"}),
        "tiff": (samples.saved(image, "TIFF", exif=exif), {"exif", "location"}),
        "gif": (samples.saved(image, "GIF", comment=b"A secret comment"), {"comment"}),
        "jxl": (
            render(samples.phone_jpeg(), format="jxl", metadata="keep").data,
            {"exif", "xmp", "location"},
        ),
    }


def held(target: Any) -> Any:
    """Which kinds the format can hold, by its row."""
    row = FORMATS[target]
    found = {"exif": row.exif, "xmp": row.xmp, "iptc": row.iptc, "comment": row.comment, "text": row.texts}
    return {kind for kind, is_held in found.items() if is_held}


def seen(data: Any, extension: Any) -> Any:
    found = exiftool.read(data, "-G0:1", "-a", "-u", "-ee", extension=extension)
    values = {
        key: str(value) for key, value in found.items() if not key.startswith(("SourceFile", "ExifTool"))
    }
    kinds = {
        kind
        for kind, (group, name, wanted) in MARKS.items()
        for key, value in values.items()
        if (key.split(":")[0] in (group, "GIF") or (kind == "exif" and "IFD0" in key))
        and key.endswith(f":{name}")
        and value == wanted
    }
    words = json.dumps({key: value for key, value in values.items() if "File" not in key})
    if "GPS" in words or any(place in words for place in PLACES):
        kinds.add("location")
    return kinds


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("source", list(sources()))
def test_what_the_policy_says_is_there_or_gone_and_the_report_names_it(source: Any, policy: Any) -> None:
    data, there = sources()[source]
    for target in (name for name, format in FORMATS.items() if format.encodes):
        result = render(data, format=target, metadata=policy)
        found = seen(result.data, result.extension)
        kept = there & held(target) if policy != "strip" else set()
        if policy == "keep" and "location" in there and kept & {"exif", "xmp", "iptc"}:
            kept.add("location")
        assert found == kept, f"{source} to {target}"
        removed = {"comment" if kind == "text" else kind for kind in there - kept}
        assert removed - {"comment"} <= set(result.report.metadata_removed), f"{source} to {target}"
        if policy == "keep" and removed:
            assert "metadata_not_kept" in {note.code for note in result.report.warnings}, target
