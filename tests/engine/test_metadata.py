"""Removed metadata is gone, and kept metadata is there, according to exiftool."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator
from typing import Any

import pytest
from PIL import ExifTags, Image, PngImagePlugin

from converter.engine import FORMATS, Recipe
from converter.engine.raster import location, open
from converter.engine.raster.exif_blocks import Text
from converter.engine.report import Result

from . import exiftool, samples

READ_BACK = [name for name, format in FORMATS.items() if format.encodes]
SECRETS = (b"SERIAL-123", b"secret", b"Munich", b"Phonemaker", b"Alice", b"headline", b"Germany", b"48,12.5N")
HARMLESS = {"SourceFile", "ExifTool", "File", "Composite"}


def told(data: bytes, extension: str) -> dict[str, Any]:
    """Return all that exiftool finds."""
    found = exiftool.read(data, "-G0:1", "-a", "-u", "-ee", extension=extension)
    return {key: value.strip() if isinstance(value, str) else value for key, value in found.items()}


def render(data: bytes, **recipe: Any) -> Result:
    return open(data).render(Recipe.parse({"format": "jpeg", **recipe}))


def sources() -> Iterator[Any]:
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


def test_the_second_program_finds_the_metadata_of_the_source() -> None:
    found = told(samples.phone_jpeg(), "jpg")
    groups = {key.split(":")[0] for key in found}
    assert {"EXIF", "XMP", "IPTC", "File"} <= groups
    assert any("IFD1" in key for key in found), "no thumbnail in the sample"
    assert found["EXIF:GPS:GPSLatitude"]
    assert found["File:Comment"] == "A secret comment"


@pytest.mark.parametrize("target", READ_BACK)
@pytest.mark.parametrize("data", list(sources()))
def test_strip_leaves_nothing(data: bytes, target: str) -> None:
    result = render(data, format=target)
    assert not [secret for secret in SECRETS if secret in result.data]
    found = told(result.data, result.extension)
    groups = {key.split(":")[0] for key in found}
    assert not groups & {"EXIF", "XMP", "IPTC", "Photoshop", "ICC_Profile", "MakerNotes"} or target == "tiff"
    for key, value in found.items():
        assert "GPS" not in key
        assert not key.endswith("Comment")
        assert not key.endswith("Date") or value == "0000:00:00 00:00:00" or key.startswith("File:"), key
        # Pages of a TIFF are directories too; a thumbnail is marked as one.
        assert "IFD1" not in key or target == "tiff"
        assert "Thumbnail" not in key
    if target == "tiff":
        assert not [
            key for key in found if key.split(":")[-1] in ("Make", "Model", "Artist", "Software", "Copyright")
        ]


@pytest.mark.parametrize("target", [name for name in READ_BACK if FORMATS[name].exif])
@pytest.mark.parametrize("policy", ["strip_location", "keep"])
def test_kept_metadata_is_present_and_the_location_only_if_requested(policy: str, target: str) -> None:
    result = render(samples.phone_jpeg(), format=target, metadata=policy)
    found = told(result.data, result.extension)
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


def test_iptc_and_comments_stay_in_jpeg() -> None:
    kept = told(render(samples.phone_jpeg(), metadata="keep").data, "jpg")
    kept = {key.split(":")[0] + ":" + key.split(":")[-1]: value for key, value in kept.items()}
    assert kept["IPTC:Headline"] == "A headline"
    assert kept["IPTC:City"] == "Munich"
    assert kept["File:Comment"] == "A secret comment"
    located = told(render(samples.phone_jpeg(), metadata="strip_location").data, "jpg")
    assert "A headline" in located.values()
    assert "Munich" not in located.values()


def test_named_texts_stay_in_png() -> None:
    result = render(samples.png_with_text(), format="png", metadata="keep")
    assert samples.opened(result).info["Author"] == "Alice"
    assert b"Munich" in result.data
    located = render(samples.png_with_text(), format="png", metadata="strip_location")
    assert samples.opened(located).info["Author"] == "Alice"
    assert b"Munich" not in located.data


def test_unsafe_xmp_is_removed_completely_and_the_report_says_why() -> None:
    declared = b"<!DOCTYPE x [<!ENTITY place 'Munich'>]>" + samples.XMP.partition(b"?>")[2].strip()
    for hidden in (samples.XMP.decode().encode("utf-16"), declared, samples.XMP.replace(b"</rdf:RDF>", b"")):
        result = render(samples.saved(samples.quarters(), "JPEG", xmp=hidden), metadata="strip_location")
        assert b"xmpmeta" not in result.data.replace(b"\0", b"")
        warnings = {note.code: note.params for note in result.report.warnings}
        assert warnings == {"metadata_left_with_location": {"kinds": ["xmp"]}}


def test_the_report_names_what_was_removed() -> None:
    report = render(samples.phone_jpeg()).report
    assert set(report.metadata_removed) == {"exif", "location", "thumbnail", "xmp", "iptc", "comment"}
    assert {"location_removed", "metadata_removed"} <= {note.code for note in report.notes}
    report = render(samples.phone_jpeg(), metadata="strip_location").report
    assert set(report.metadata_removed) == {"location", "thumbnail"}
    report = render(samples.phone_jpeg(), metadata="keep", format="gif").report
    assert {"exif", "iptc"} <= set(report.metadata_removed)
    assert "metadata_not_kept" in {note.code for note in report.warnings}
    report = render(samples.saved(samples.quarters(), "PNG")).report
    assert report.metadata_removed == ()


def test_kept_exif_has_the_new_size() -> None:
    result = render(samples.phone_jpeg(), metadata="keep", resize={"width": 80})
    found = told(result.data, "jpg")
    assert (found["EXIF:ExifIFD:ExifImageWidth"], found["EXIF:ExifIFD:ExifImageHeight"]) == (80, 60)


@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
def test_one_recipe_does_not_take_metadata_from_the_next(orientation: int) -> None:
    source = open(samples.phone_jpeg(orientation))
    recipe = {
        target: Recipe.parse({"format": target, "metadata": "keep"}) for target in ("avif", "jpeg", "webp")
    }
    first = {target: source.render(recipe[target]).data for target in recipe}
    assert {target: source.render(recipe[target]).data for target in recipe} == first


def test_thumbnails_inside_xmp_go() -> None:
    copy = b"<xmp:Thumbnails><rdf:Alt><rdf:li>small copy</rdf:li></rdf:Alt></xmp:Thumbnails>"
    held = samples.XMP.replace(b"</rdf:Description>", copy + b"</rdf:Description>")
    result = render(samples.saved(samples.quarters(), "JPEG", xmp=held), metadata="keep")
    assert b"small copy" not in result.data
    assert b"xmpmeta" in result.data
    cut = samples.saved(samples.quarters(), "JPEG", xmp=held.replace(b"</xmp:Thumbnails>", b""))
    assert b"small copy" not in render(cut, metadata="keep").data


@pytest.mark.slow
@pytest.mark.parametrize(
    "piece", [b"<a:City>", b' a:City="', b"<a:Thumbnails>", b"<", b" a:", b"GPS", b"<a:GPSx "]
)
def test_hostile_xmp_is_searched_in_time(piece: bytes) -> None:
    hostile = samples.saved(samples.quarters(), "WEBP", xmp=piece * (300_000 // len(piece)))
    for policy in ("strip_location", "keep"):
        assert render(hostile, format="webp", metadata=policy).width == 160


def test_common_technical_fields_are_removed_without_a_note() -> None:
    block = Image.Exif()
    block[0x011A] = block[0x011B] = 72.0
    block[0x8769] = {0x9000: b"0232", 0xA001: 1, 0xA002: 160, 0xA003: 120}
    for format in ("JPEG", "WEBP"):
        report = render(samples.saved(samples.quarters(), format, exif=block.tobytes())).report
        assert report.metadata_removed == ("exif",)
        assert "metadata_removed" not in {note.code for note in report.notes}


def test_text_after_the_pixels_of_a_png_is_found() -> None:
    def chunk(kind: Any, body: Any) -> Any:
        return len(body).to_bytes(4, "big") + kind + body + zlib.crc32(kind + body).to_bytes(4, "big")

    words = chunk(b"tEXt", b"Author\0Alice") + chunk(b"eXIf", samples.exif(orientation=6)[6:])
    for whole, frames in ((samples.saved(samples.quarters(), "PNG"), 1), (samples.animated("PNG"), 5)):
        data = whole[:-12] + words + whole[-12:]
        facts = open(data).facts
        assert (facts.frames, facts.orientation, facts.has_location) == (frames, 6, True)
        kept = samples.opened(render(data, format="png", metadata="keep"))
        assert kept.info["Author"] == "Alice"
        assert (kept.width, kept.height) == (facts.width, facts.height)


def test_only_text_is_read_from_after_the_pixels_of_a_png() -> None:
    def chunk(kind: Any, body: Any, checksum: Any = None) -> Any:
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


PLACES = ("52.5163", "52,31.2N", "13.3777", "Berlin", "Germany", "DEU", "Gate", "101.2", "52/1", "12/1")
DRONE = b"""<?xpacket begin="" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:exif="http://ns.adobe.com/exif/1.0/"
 xmlns:photoshop="http://ns.adobe.com/photoshop/1.0/" xmlns:drone-dji="http://www.dji.com/drone-dji/1.0/"
 xmlns:Iptc4xmpCore="http://iptc.org/std/Iptc4xmpCore/1.0/xmlns/"
 xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
 drone-dji:GpsLatitude="52.5163" drone-dji:GpsLongtitude='13.3777' drone-dji:AbsoluteAltitude="+101.2"
 drone-dji:GimbalYawDegree="+4.1" photoshop:City="Berlin" Iptc4xmpCore:CountryCode="DEU" exif:SubjectLocation="3, 4">
<exif:GPSLatitude>52,31.2N</exif:GPSLatitude><photoshop:Country>Germany</photoshop:Country>
<photoshop:State/><dc:coverage>Berlin</dc:coverage><Iptc4xmpCore:Location>Gate</Iptc4xmpCore:Location>
<Iptc4xmpExt:LocationCreated><rdf:Bag><rdf:li rdf:parseType="Resource"><Iptc4xmpExt:City>Berlin</Iptc4xmpExt:City>
<Iptc4xmpExt:Sublocation>Gate</Iptc4xmpExt:Sublocation></rdf:li></rdf:Bag></Iptc4xmpExt:LocationCreated>
<Iptc4xmpExt:LocationShown><rdf:Bag><rdf:li Iptc4xmpExt:CountryName="Germany"/></rdf:Bag></Iptc4xmpExt:LocationShown>
<dc:description><rdf:Alt><rdf:li xml:lang="x-default">A meadow at 52.5163, 13.3777</rdf:li></rdf:Alt></dc:description>
<dc:rights><rdf:Alt><rdf:li xml:lang="x-default">(c) Alice &amp; Bob</rdf:li></rdf:Alt></dc:rights>
</rdf:Description></rdf:RDF></x:xmpmeta><?xpacket end="w"?>"""


def test_xmp_is_searched_for_a_location_once(monkeypatch: pytest.MonkeyPatch) -> None:
    search, searched = location.in_xmp, []

    def counting(xmp: bytes) -> bool:
        searched.append(xmp)
        return search(xmp)

    monkeypatch.setattr(location, "in_xmp", counting)
    source = open(samples.saved(samples.quarters(), "JPEG", xmp=DRONE))
    for target in ("png", "webp"):
        source.render(Recipe.parse({"format": target}))
    assert len(searched) == 1


@pytest.mark.parametrize("target", [name for name in READ_BACK if FORMATS[name].xmp])
def test_only_the_location_is_removed_from_xmp_of_any_program(target: str) -> None:
    data = samples.saved(samples.quarters(), "JPEG", xmp=DRONE)
    assert open(data).facts.has_location
    result = render(data, format=target, metadata="strip_location")
    found = told(result.data, result.extension)
    names = {key.split(":")[-1]: value for key, value in found.items() if "XMP" in key}
    assert (
        names.items()
        >= {
            "GimbalYawDegree": "+4.1",
            "SubjectLocation": "3, 4",
            "Description": "A meadow",
            "Rights": "(c) Alice & Bob",
        }.items()
    )
    assert not [place for place in PLACES if place in json.dumps(names)]
    assert {note.code for note in result.report.notes} == {"location_removed", "metadata_kept"}
    assert [note.code for note in result.report.warnings] in ([], ["larger_than_source"])
    assert not open(result.data).facts.has_location


def test_only_the_location_is_removed_from_named_texts() -> None:
    info = PngImagePlugin.PngInfo()
    info.add_text("exif:GPSLatitude", "52/1, 31/1, 12/1")
    info.add_text("exif:GPSLongitude", "13/1, 22/1, 40/1", zip=True)
    info.add_itxt("photoshop:City", "Berlin")
    info.add_text("GPS Position", "52/1")
    info.add_text("Location", "Berlin, the Gate")
    info.add_text("Description", "A meadow at 52.5163,13.3777")
    info.add_text("Comment", "52\u00b0 31' 12\" N, 13\u00b0 22' 40\" E")
    info.add_text("Author", "Alice")
    data = samples.saved(samples.quarters(), "PNG", pnginfo=info)
    assert open(data).facts.has_location
    result = render(data, format="png", metadata="strip_location")
    found = {key: value for key, value in told(result.data, "png").items() if "PNG" in key}
    assert {key.split(":")[-1]: value for key, value in found.items()}.items() >= {
        "Author": "Alice",
        "Description": "A meadow",
    }.items()
    assert not [place for place in PLACES if place in json.dumps(found)]
    assert not open(result.data).facts.has_location
    report = result.report
    assert (report.metadata_removed, [note.code for note in report.warnings]) == (("location",), [])
    kept = told(render(data, format="png", metadata="keep").data, "png")
    assert {"Berlin", "52/1, 31/1, 12/1"} <= set(map(str, kept.values()))


def test_a_text_with_the_location_is_found_in_every_format() -> None:
    comment = b"Seen at 52.5163, 13.3777 by Alice"
    described = Image.Exif()
    described[0x010E] = comment.decode()
    described[0x9C9C] = "52.5163, 13.3777".encode("utf-16-le")
    jp2 = samples.saved(samples.quarters(), "JPEG2000", comment=comment)
    for data in (
        samples.saved(samples.quarters(), "JPEG", comment=comment),
        samples.saved(samples.quarters(), "GIF", comment=comment),
        jp2,
        samples.saved(samples.quarters(), "TIFF", exif=described),
        samples.saved(samples.quarters(), "WEBP", exif=described.tobytes()),
    ):
        source = open(data)
        assert source.facts.has_location
        for target in ("jpeg", "gif", "jp2", "png", "tiff", "webp"):
            result = source.render(Recipe.parse({"format": target, "metadata": "strip_location"}))
            assert b"52.5163" not in result.data.replace(b"\0", b"")
            assert "location" in result.report.metadata_removed
    assert not open(
        samples.saved(samples.quarters(), "JPEG", comment=b"By Alice, f/2.8, 1.5 s")
    ).facts.has_location


def test_a_comment_keeps_everything_except_the_location() -> None:
    comment = b"Seen by Alice at 52.5163, 13.3777.\nCity: Berlin\nexif:GPSAltitude=101.2"
    result = render(samples.saved(samples.quarters(), "JPEG", comment=comment), metadata="strip_location")
    assert told(result.data, "jpg")["File:Comment"].split() == ["Seen", "by", "Alice", "."]


@pytest.mark.parametrize("number", [26, 27, 90, 92, 95, 100, 101])
def test_iptc_loses_only_its_location(number: int) -> None:
    iptc = (
        samples.dataset(105, b"A headline")
        + samples.dataset(number, b"Berlin")
        + samples.dataset(80, b"Alice")
    )
    iptc += samples.dataset(120, b"A meadow at 52.5163, 13.3777")
    data = samples.saved(samples.quarters(), "JPEG", extra=samples.app13(iptc))
    assert open(data).facts.has_location
    result = render(data, metadata="strip_location")
    found = told(result.data, "jpg")
    words = {key.split(":")[-1]: value for key, value in found.items() if key.startswith("IPTC")}
    assert words == {"Headline": "A headline", "By-line": "Alice", "Caption-Abstract": "A meadow"}


def test_exif_with_only_a_location_has_nothing_that_the_format_cannot_store() -> None:
    block = Image.Exif()
    block[0x8825] = {1: "N", 2: (48.0, 12.0, 30.0), 3: "E", 4: (11.0, 30.0, 0.0)}
    report = render(
        samples.saved(samples.quarters(), "JPEG", exif=block.tobytes()), metadata="strip_location"
    ).report
    assert set(report.metadata_removed) == {"exif", "location"}
    assert [note.code for note in report.notes] == ["location_removed"]
    assert report.warnings == ()


@pytest.mark.slow
@pytest.mark.parametrize(
    "piece", [b"City:", b"1.2345 ", b"12 deg ", b"https://maps", b"+52", b"\n \n", b"lat "]
)
def test_a_hostile_comment_is_searched_in_time(piece: bytes) -> None:
    hostile = samples.saved(samples.quarters(), "GIF", comment=piece * (300_000 // len(piece)))
    assert render(hostile, format="gif", metadata="strip_location").width == 160


def utf_8(words: str) -> Text:
    """Return text that Pillow writes as UTF-8."""
    return Text(words.encode().decode("latin-1"))


@pytest.mark.parametrize("target", ["jpeg", "png", "webp", "avif", "tiff"])
def test_text_keeps_its_characters(target: str) -> None:
    exif = Image.Exif()
    exif[ExifTags.Base.Copyright] = utf_8("© 2024 Jörg Müller")
    exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.LensModel] = utf_8("Objektiv für Nähe")
    source = samples.saved(samples.photo((40, 30)), "JPEG", exif=exif)
    result = render(source, format=target, metadata="keep")
    found = told(result.data, result.extension)
    assert [value for name, value in found.items() if name.endswith("Copyright")][0] == "© 2024 Jörg Müller"
    assert [value for name, value in found.items() if name.endswith("LensModel")][0] == "Objektiv für Nähe"


def test_the_second_page_of_a_tiff_is_no_thumbnail() -> None:
    for policy in ("strip", "keep"):
        report = render(samples.tiff_pages(), format="pdf", metadata=policy).report
        assert "thumbnail" not in report.metadata_removed
        assert not {"metadata_removed", "thumbnail_removed"} & {note.code for note in report.notes}


def test_text_of_an_avif_keeps_its_characters_whatever_its_exif_orientation() -> None:
    exif = Image.Exif()
    exif[ExifTags.Base.Artist] = utf_8("Zoë")
    exif[ExifTags.Base.SamplesPerPixel] = 6
    data = samples.saved(samples.quarters(), "AVIF", exif=exif.tobytes())
    # Pillow would store an orientation as AVIF's own. This one is wrong, and AVIF ignores EXIF orientation.
    data = data.replace(b"\x01\x15\0\3\0\0\0\1\0\6", b"\x01\x12\0\3\0\0\0\1\0\6")
    assert exiftool.read(data, "-n", "-Orientation", extension="avif")["Orientation"] == 6
    result = render(data, metadata="keep")
    assert (result.width, result.height) == (160, 120)
    assert exiftool.read(result.data, "-Artist", "-charset", "exif=UTF8")["Artist"] == "Zoë"
