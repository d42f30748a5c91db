"""What is removed is gone, and what is kept is there: exiftool is the witness."""

from __future__ import annotations

import json
import shutil
import subprocess
import zlib

import pytest
from PIL import Image

from converter.engine import FORMATS, Recipe, open

from . import samples

READ_BACK = [name for name, format in FORMATS.items() if format.encodes]
SECRETS = (b"SERIAL-123", b"secret", b"Munich", b"Phonemaker", b"Alice", b"headline", b"Germany", b"48,12.5N")
HARMLESS = {"SourceFile", "ExifTool", "File", "Composite"}


def exiftool(data, tmp_path, extension):
    program = shutil.which("exiftool")
    assert program, "exiftool is needed to prove what metadata is left: install libimage-exiftool-perl"
    file = tmp_path / f"image.{extension}"
    file.write_bytes(data)
    done = subprocess.run(
        [program, "-j", "-G0:1", "-a", "-u", "-ee", str(file)], capture_output=True, check=True
    )
    return json.loads(done.stdout)[0]


def render(data, **recipe):
    return open(data).render(Recipe.parse({"format": "jpeg", **recipe}))


def sources():
    yield pytest.param(samples.phone_jpeg(), id="JPEG")
    yield pytest.param(samples.png_with_text(), id="PNG")
    for format in ("WEBP", "AVIF", "TIFF"):
        yield pytest.param(
            samples.saved(samples.quarters(), format, exif=samples.exif(), xmp=samples.XMP)
            if format != "TIFF"
            else samples.saved(samples.quarters(), format, exif=samples.exif()),
            id=format,
        )
    yield pytest.param(samples.saved(samples.quarters(), "GIF", comment=b"secret Alice"), id="GIF")
    yield pytest.param((samples.FILES / "phone.heic").read_bytes(), id="HEIC")
    yield pytest.param(samples.animated("WEBP", exif=samples.exif(), xmp=samples.XMP), id="animated WEBP")


def test_the_witness_sees_what_is_in_the_source(tmp_path):
    found = exiftool(samples.phone_jpeg(), tmp_path, "jpg")
    groups = {key.split(":")[0] for key in found}
    assert {"EXIF", "XMP", "IPTC", "File"} <= groups
    assert any("IFD1" in key for key in found), "no thumbnail in the sample"
    assert found["EXIF:GPS:GPSLatitude"]
    assert found["File:Comment"] == "A secret comment"


@pytest.mark.parametrize("target", READ_BACK)
@pytest.mark.parametrize("data", list(sources()))
def test_strip_leaves_nothing(data, target, tmp_path):
    result = render(data, format=target)
    assert not [secret for secret in SECRETS if secret in result.data]
    found = exiftool(result.data, tmp_path, result.extension)
    groups = {key.split(":")[0] for key in found}
    assert not groups & {"EXIF", "XMP", "IPTC", "Photoshop", "ICC_Profile", "MakerNotes"} or target == "tiff"
    for key, value in found.items():
        assert "GPS" not in key
        assert not key.endswith("Comment")
        assert not key.endswith("Date") or value == "0000:00:00 00:00:00" or key.startswith("File:"), key
        # Pages of a TIFF are directories too; a thumbnail is one that says so.
        assert "IFD1" not in key or target == "tiff"
        assert "Thumbnail" not in key
    if target == "tiff":
        assert not [
            key for key in found if key.split(":")[-1] in ("Make", "Model", "Artist", "Software", "Copyright")
        ]


@pytest.mark.parametrize("target", [name for name in READ_BACK if FORMATS[name].exif])
@pytest.mark.parametrize("policy", ["strip_location", "keep"])
def test_what_is_kept_is_there_and_the_location_only_when_asked(policy, target, tmp_path):
    result = render(samples.phone_jpeg(), format=target, metadata=policy)
    found = exiftool(result.data, tmp_path, result.extension)
    names = {key.split(":")[-1]: value for key, value in found.items()}
    assert names["Make"] == "Phonemaker"
    assert names["Model"] == "Phone 15"
    assert names["Artist"] == "Alice"
    assert names["DateTimeOriginal"] == "2026:05:01 12:30:00"
    assert names["Format"] == "image/jpeg", "XMP was lost"
    has_location = any("GPS" in key or "City" in key or "Country" in key for key in found)
    assert has_location == (policy == "keep")
    assert (b"Munich" in result.data) == (policy == "keep")
    assert not any("IFD1" in key or "Thumbnail" in key for key in found)
    assert b"secret maker note" not in result.data
    assert str(names.get("Orientation", 1)) in ("1", "Horizontal (normal)")
    if target != "tiff":
        assert not any("Warning" in key for key in found), found


def test_iptc_and_comments_stay_in_jpeg(tmp_path):
    kept = exiftool(render(samples.phone_jpeg(), metadata="keep").data, tmp_path, "jpg")
    kept = {key.split(":")[0] + ":" + key.split(":")[-1]: value for key, value in kept.items()}
    assert kept["IPTC:Headline"] == "A headline"
    assert kept["IPTC:City"] == "Munich"
    assert kept["File:Comment"] == "A secret comment"
    located = exiftool(render(samples.phone_jpeg(), metadata="strip_location").data, tmp_path, "jpg")
    assert "A headline" in located.values()
    assert "Munich" not in located.values()


def test_named_texts_stay_in_png():
    result = render(samples.png_with_text(), format="png", metadata="keep")
    assert samples.opened(result).text["Author"] == "Alice"
    assert b"Munich" in result.data
    located = render(samples.png_with_text(), format="png", metadata="strip_location")
    assert samples.opened(located).text["Author"] == "Alice"
    assert b"Munich" not in located.data


def test_xmp_that_may_still_tell_the_place_goes_as_a_whole():
    hidden = samples.XMP.replace(b"photoshop:City=", b"my:hometown_gps=")
    data = samples.saved(samples.quarters(), "JPEG", xmp=hidden)
    assert b"xmpmeta" not in render(data, metadata="strip_location").data
    wide = samples.saved(samples.quarters(), "JPEG", xmp=samples.XMP.decode().encode("utf-16"))
    assert b"x\0m\0p\0m" not in render(wide, metadata="strip_location").data


def test_the_report_names_what_was_removed():
    report = render(samples.phone_jpeg()).report
    assert set(report.metadata_removed) == {"exif", "location", "thumbnail", "xmp", "iptc", "comment"}
    assert {"location_removed", "metadata_removed"} <= {note.code for note in report.notes}
    report = render(samples.phone_jpeg(), metadata="strip_location").report
    assert set(report.metadata_removed) == {"location", "thumbnail"}
    report = render(samples.phone_jpeg(), metadata="keep", format="gif").report
    assert {"exif", "xmp", "iptc"} <= set(report.metadata_removed)
    assert "metadata_not_kept" in {note.code for note in report.warnings}
    report = render(samples.saved(samples.quarters(), "PNG")).report
    assert report.metadata_removed == ()


def test_kept_exif_tells_the_new_size(tmp_path):
    result = render(samples.phone_jpeg(), metadata="keep", resize={"width": 80})
    found = exiftool(result.data, tmp_path, "jpg")
    assert (found["EXIF:ExifIFD:ExifImageWidth"], found["EXIF:ExifIFD:ExifImageHeight"]) == (80, 60)


@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
def test_one_recipe_does_not_take_metadata_from_the_next(orientation):
    source = open(samples.phone_jpeg(orientation))
    recipe = {
        target: Recipe.parse({"format": target, "metadata": "keep"}) for target in ("avif", "jpeg", "webp")
    }
    first = {target: source.render(recipe[target]).data for target in recipe}
    assert {target: source.render(recipe[target]).data for target in recipe} == first


def test_thumbnails_inside_xmp_go():
    copy = b"<xmp:Thumbnails><rdf:Alt><rdf:li>small copy</rdf:li></rdf:Alt></xmp:Thumbnails>"
    held = samples.XMP.replace(b"</rdf:Description>", copy + b"</rdf:Description>")
    result = render(samples.saved(samples.quarters(), "JPEG", xmp=held), metadata="keep")
    assert b"small copy" not in result.data
    assert b"xmpmeta" in result.data
    cut = samples.saved(samples.quarters(), "JPEG", xmp=held.replace(b"</xmp:Thumbnails>", b""))
    assert b"small copy" not in render(cut, metadata="keep").data


@pytest.mark.parametrize(
    "piece", [b"<a:City>", b' a:City="', b"<a:Thumbnails>", b"<", b" a:", b"GPS", b"<a:GPSx "]
)
def test_hostile_xmp_is_searched_in_time(piece):
    hostile = samples.saved(samples.quarters(), "WEBP", xmp=piece * (900_000 // len(piece)))
    for policy in ("strip_location", "keep"):
        assert render(hostile, format="webp", metadata=policy).width == 160


def test_what_every_program_writes_is_removed_without_a_word():
    block = Image.Exif()
    block[0x011A] = block[0x011B] = 72.0
    block[0x8769] = {0x9000: b"0232", 0xA001: 1, 0xA002: 160, 0xA003: 120}
    for format in ("JPEG", "WEBP"):
        report = render(samples.saved(samples.quarters(), format, exif=block.tobytes())).report
        assert report.metadata_removed == ("exif",)
        assert "metadata_removed" not in {note.code for note in report.notes}


def test_words_behind_the_pixels_of_a_png_are_found():
    def chunk(kind, body):
        return len(body).to_bytes(4, "big") + kind + body + zlib.crc32(kind + body).to_bytes(4, "big")

    words = chunk(b"tEXt", b"Author\0Alice") + chunk(b"eXIf", samples.exif(orientation=6)[6:])
    for whole, frames in ((samples.saved(samples.quarters(), "PNG"), 1), (samples.animated("PNG"), 5)):
        data = whole[:-12] + words + whole[-12:]
        facts = open(data).facts
        assert (facts.frames, facts.orientation, facts.has_location) == (frames, 6, True)
        kept = samples.opened(render(data, format="png", metadata="keep"))
        assert kept.text["Author"] == "Alice"
        assert (kept.width, kept.height) == (facts.width, facts.height)


def test_nothing_but_words_is_taken_from_behind_the_pixels_of_a_png():
    def chunk(kind, body, checksum=None):
        known = zlib.crc32(kind + body) if checksum is None else checksum
        return len(body).to_bytes(4, "big") + kind + body + known.to_bytes(4, "big")

    whole = samples.saved(samples.quarters(), "PNG")
    tiny = chunk(b"IHDR", (1).to_bytes(4, "big") * 2 + bytes([8, 2, 0, 0, 0]))
    moving = chunk(b"acTL", (9).to_bytes(4, "big") * 2)
    damaged = chunk(b"tEXt", b"Author\0Alice", checksum=7)
    data = whole[:-12] + tiny + moving + damaged + whole[-12:]
    facts = open(data).facts
    assert (facts.width, facts.height, facts.frames) == (160, 120, 1)
    assert render(data, format="png", metadata="keep").width == 160
