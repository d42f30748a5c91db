"""Metadata that was requested but could not be kept is reported."""

from __future__ import annotations

import struct
import zlib
from typing import Any

import pytest
from PIL import ExifTags, Image, PngImagePlugin, TiffImagePlugin

from converter.engine import FORMATS
from converter.engine.raster.codecs.png_chunks import MOST_TEXT, made
from tests.engine import exiftool, samples
from tests.engine.rendering import WRITTEN, codes, render

KEEPS_EXIF = [name for name in WRITTEN if FORMATS[name].exif]


def warned(result: Any, code: Any) -> Any:
    (found,) = [note.params for note in result.report.warnings if note.code == code]
    return found


def with_unknown_fields() -> Any:
    block = Image.Exif()
    block[0x010F] = "Phonemaker"
    block[0xC4A5] = b"PrintIM"
    block[0xBEEF] = "a field of nobody"
    block[0x0103] = 6  # compression, a structural tag
    return samples.saved(samples.quarters(), "JPEG", exif=block.tobytes())


@pytest.mark.parametrize("target", ["jpeg", "png", "webp", "avif", "tiff"])
def test_fields_of_exif_that_are_not_kept_are_named(target: Any) -> None:
    result = render(with_unknown_fields(), format=target, metadata="keep")
    assert warned(result, "exif_fields_not_kept") == {"names": ["0xbeef", "PrintImageMatching"]}
    found = exiftool.read(result.data, "-a", "-u", "-G1", extension=result.extension)
    assert "a field of nobody" not in map(str, found.values())
    assert "Phonemaker" in found.values()


def test_fields_written_by_phones_are_kept_without_a_note() -> None:
    assert "exif_fields_not_kept" not in codes(render(samples.phone_jpeg(), format="jpeg", metadata="keep"))
    tiff = samples.saved(samples.quarters(), "TIFF", exif=samples.exif())
    assert "exif_fields_not_kept" not in codes(render(tiff, format="tiff", metadata="keep"))


def test_oversized_text_is_reported_and_the_rest_is_kept() -> None:
    whole = samples.png_with_text()
    long = made(b"zTXt", b"Prompt\0\0" + zlib.compress(bytes(MOST_TEXT + 1)))
    data = whole[:33] + long + whole[33:]
    result = render(data, metadata="keep")
    assert warned(result, "metadata_unread") == {"kinds": ["comment"]}
    assert samples.opened(result).info["Author"] == "Alice"
    assert "comment" in render(data).report.metadata_removed
    assert "metadata_unread" not in codes(render(whole, metadata="keep"))


def test_xmp_of_a_png_beyond_what_is_read_is_named() -> None:
    info = PngImagePlugin.PngInfo()
    info.add_itxt("XML:com.adobe.xmp", "x" * (MOST_TEXT + 1), zip=True)
    result = render(samples.saved(samples.quarters(), "PNG", pnginfo=info), format="jpeg", metadata="keep")
    assert warned(result, "metadata_unread") == {"kinds": ["xmp"]}


def test_a_place_of_a_wrong_type_is_named_and_the_rest_is_kept() -> None:
    gps = struct.pack("<HHHI4sI", 1, 2, 2, 4, b"1.5", 0)  # latitude as text
    fields = struct.pack("<HHI4s", 0x010F, 2, 4, b"Cam") + struct.pack("<HHII", 0x8825, 4, 1, 38)
    exif = b"Exif\0\0II*\0\x08\0\0\0\2\0" + fields + bytes(4) + gps
    for target in KEEPS_EXIF:
        data = samples.saved(samples.quarters(), "JPEG", exif=exif)
        result = render(data, format=target, metadata="keep")
        assert exiftool.read(result.data, "-Make", extension=result.extension)["Make"] == "Cam"
        assert warned(result, "exif_fields_not_kept") == {"names": ["GPSLatitude"]}
        assert "metadata_not_kept" not in codes(result)


def test_a_resolution_that_is_no_number_does_not_keep_a_tiff_from_being_written() -> None:
    exif = Image.Exif()
    exif[ExifTags.Base.Make] = "Cam"
    exif[ExifTags.Base.XResolution] = TiffImagePlugin.IFDRational(0, 0)
    for target in KEEPS_EXIF:
        result = render(samples.saved(samples.quarters(), "JPEG", exif=exif), format=target, metadata="keep")
        assert exiftool.read(result.data, "-Make", extension=result.extension)["Make"] == "Cam"
