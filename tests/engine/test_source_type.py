"""The label for AI-generated images, and Content Credentials; exiftool is the reference."""

from __future__ import annotations

import io
import struct
import zlib
from typing import Any

import pytest
from PIL import ExifTags, Image, PngImagePlugin, TiffImagePlugin

from converter.engine import FORMATS
from converter.engine.messages import Message
from converter.engine.report import Result

from . import samples
from .test_metadata import render, told

AI = "trainedAlgorithmicMedia"
URI = "http://cv.iptc.org/newscodes/digitalsourcetype/"
NS = 'xmlns:a="http://iptc.org/std/Iptc4xmpExt/2008-02-29/"'
HOLDS_XMP = [name for name, format in FORMATS.items() if format.encodes and format.xmp]
NOT = [name for name, format in FORMATS.items() if format.encodes and not format.xmp]


def xmp(description: str) -> bytes:
    return (
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        f"{description}</rdf:RDF></x:xmpmeta>"
    ).encode()


ATTRIBUTE = xmp(
    f'<rdf:Description {NS} a:DigitalSourceType="{URI}{AI}" xmlns:dc="http://purl.org/dc/elements/1.1/" dc:source="secret"/>'
)
ELEMENT = xmp(f"<rdf:Description {NS}><a:DigitalSourceType>{URI}{AI}</a:DigitalSourceType></rdf:Description>")
RESOURCE = xmp(f'<rdf:Description {NS}><a:DigitalSourceType rdf:resource="{URI}{AI}"/></rdf:Description>')
SHORT = xmp(f'<rdf:Description {NS} a:DigitalSourceType="{AI}"/>')
COMPOSITE = xmp(
    f'<rdf:Description {NS} a:DigitalSourceType="{URI}digitalCapture"/>'
    f'<rdf:Description {NS} a:DigitalSourceType="{URI}compositeWith{AI[0].upper()}{AI[1:]}"/>'
)
PLAIN = xmp('<rdf:Description xmlns:dc="http://purl.org/dc/elements/1.1/" dc:source="secret"/>')


def png_with(*texts: Any) -> Any:
    info = PngImagePlugin.PngInfo()
    for name, value in texts:
        info.add_itxt(name, value)
    return samples.saved(samples.quarters(), "PNG", pnginfo=info)


def with_comment() -> Any:
    exif = Image.Exif()
    exif[ExifTags.Base.ImageDescription] = f"made by {URI}{AI}"
    return samples.saved(samples.quarters(), "JPEG", exif=exif)


def with_iptc() -> Any:
    return samples.saved(
        samples.quarters(), "JPEG", extra=samples.app13(samples.dataset(40, f"{URI}{AI}".encode()))
    )


SOURCES = {
    "attribute": samples.saved(samples.quarters(), "JPEG", xmp=ATTRIBUTE),
    "element": samples.saved(samples.quarters(), "WEBP", xmp=ELEMENT),
    "resource": samples.saved(samples.quarters(), "AVIF", xmp=RESOURCE),
    "short": samples.saved(samples.quarters(), "JPEG", xmp=SHORT),
    "PNG": png_with(("XML:com.adobe.xmp", ATTRIBUTE.decode())),
    "text": png_with(("Digital Source Type", AI)),
    "EXIF": with_comment(),
    "IPTC": with_iptc(),
}


def label(result: Result) -> list[Any]:
    found = told(result.data, result.extension)
    return [value for key, value in found.items() if key.endswith(":DigitalSourceType")]


def codes(messages: tuple[Message, ...]) -> set[Any] | set[str]:
    return {message.code for message in messages}


@pytest.mark.parametrize("policy", ["strip", "strip_location", "keep"])
@pytest.mark.parametrize("source", SOURCES)
def test_the_label_stays_whatever_is_removed(source: str, policy: str) -> None:
    result = render(SOURCES[source], format="jpeg", metadata=policy)
    assert URI + AI in label(result) or (source == "short" and policy != "strip")
    assert AI.encode() in result.data
    assert "source_type_kept" in codes(result.report.notes)
    assert policy != "strip" or b"secret" not in result.data


@pytest.mark.parametrize("target", HOLDS_XMP)
def test_every_format_that_holds_xmp_holds_the_label_alone(target: str) -> None:
    result = render(SOURCES["attribute"], format=target)
    assert label(result) == [URI + AI]
    assert b"secret" not in result.data
    assert "xmp" in result.report.metadata_removed


@pytest.mark.parametrize("target", NOT)
def test_a_format_that_cannot_hold_it_says_so(target: str) -> None:
    result = render(SOURCES["attribute"], format=target)
    (warning,) = [said for said in result.report.warnings if said.code == "source_type_not_kept"]
    assert warning.params == {"format": FORMATS[target].label, "type": AI}


def test_of_several_the_one_about_ai_stays() -> None:
    result = render(samples.saved(samples.quarters(), "JPEG", xmp=COMPOSITE))
    assert label(result) == [f"{URI}compositeWithTrainedAlgorithmicMedia"]


def test_a_picture_without_a_label_gets_none() -> None:
    for data in (samples.saved(samples.quarters(), "JPEG", xmp=PLAIN), samples.phone_jpeg()):
        result = render(data)
        assert label(result) == []
        assert not codes(result.report.notes) & {"source_type_kept"}


@pytest.mark.parametrize("words", ["Alice Smith 1980", "<script>", "a" * 51, "no"])
def test_only_defined_terms_are_labels(words: str) -> None:
    packet = xmp(
        f"<rdf:Description {NS}><a:DigitalSourceType>{URI}</a:DigitalSourceType><a:X>{words.replace('<', '&lt;')}</a:X></rdf:Description>"
    )
    assert label(render(samples.saved(samples.quarters(), "JPEG", xmp=packet))) == []


def test_kept_metadata_contains_the_label_once() -> None:
    result = render(SOURCES["attribute"], format="webp", metadata="keep")
    assert label(result) == [URI + AI]
    assert b"secret" in result.data


# --- Content Credentials -----------------------------------------------------------------------------------

MANIFEST_TYPE = bytes.fromhex("6332706100110010800000AA00389B71")


def box(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I4s", 8 + len(content), kind) + content


def manifest(words: bytes = b"assertions") -> bytes:
    description = box(b"jumd", MANIFEST_TYPE + b"\x03c2pa\x00")
    return box(b"jumb", description + box(b"cbor", words))


def jpeg_with(store: bytes) -> bytes:
    data, segments = samples.saved(samples.quarters(), "JPEG"), b""
    for number, at in enumerate(range(8, len(store), 60_000), 1):
        content = b"JP" + struct.pack(">HI", 1, number) + store[:8] + store[at : at + 60_000]
        segments += b"\xff\xeb" + struct.pack(">H", len(content) + 2) + content
    return data[:2] + segments + data[2:]


def png_with_chunk(store: bytes) -> bytes:
    data = samples.saved(samples.quarters(), "PNG")
    chunk = struct.pack(">I", len(store)) + b"caBX" + store + struct.pack(">I", zlib.crc32(b"caBX" + store))
    return data[:33] + chunk + data[33:]


def webp_with_chunk(store: Any) -> Any:
    data = samples.saved(samples.quarters(), "WEBP", exif=samples.exif())
    chunk = b"C2PA" + struct.pack("<I", len(store)) + store + b"\x00" * (len(store) % 2)
    return b"RIFF" + struct.pack("<I", len(data) - 8 + len(chunk)) + data[8:] + chunk


def with_uuid_box(data: Any, store: Any) -> Any:
    content = (
        bytes.fromhex("d8fec3d61b0e483c92975828877ec481")
        + b"\x00" * 4
        + b"manifest\x00"
        + b"\x00" * 8
        + store
    )
    return data + box(b"uuid", content)


def tiff_with_tag(store: Any) -> Any:
    tags = TiffImagePlugin.ImageFileDirectory_v2()
    tags.tagtype[52545] = 7
    tags[52545] = store
    return samples.saved(samples.quarters(), "TIFF", tiffinfo=tags)


def gif_with_extension(store: Any) -> Any:
    data = samples.saved(samples.quarters(), "GIF")
    blocks = b"".join(
        bytes([len(store[at : at + 255])]) + store[at : at + 255] for at in range(0, len(store), 255)
    )
    end = data.rindex(b"\x3b")
    return data[:end] + b"\x21\xff\x0bC2PA_GIF\x01\x00\x00" + blocks + b"\x00" + data[end:]


def jxl_with_box(store: Any) -> Any:
    stream = render(samples.saved(samples.quarters(), "PNG"), format="jxl").data
    if stream[4:8] != b"JXL ":
        start = box(b"JXL ", b"\r\n\x87\n") + box(b"ftyp", b"jxl \x00\x00\x00\x00jxl ")
        stream = start + box(b"jxlc", stream)
    return stream + store


MANIFESTS = {
    "JPEG": jpeg_with(manifest()),
    "JPEG in parts": jpeg_with(manifest(b"x" * 150_000)),
    "PNG": png_with_chunk(manifest()),
    "WebP": webp_with_chunk(manifest()),
    "AVIF": with_uuid_box(samples.saved(samples.quarters(), "AVIF"), manifest()),
    "TIFF": tiff_with_tag(manifest()),
    "GIF": gif_with_extension(manifest(b"x" * 600)),
    "HEIC": with_uuid_box((samples.FILES / "phone.heic").read_bytes(), manifest()),
}


@pytest.mark.parametrize("policy", ["strip", "keep"])
@pytest.mark.parametrize("source", MANIFESTS)
def test_removed_credentials_are_reported(source: str, policy: str) -> None:
    result = render(MANIFESTS[source], metadata=policy)
    assert "credentials_removed" in codes(result.report.warnings)
    assert b"c2pa" not in result.data


@pytest.mark.parametrize("policy", ["strip", "keep"])
def test_removed_credentials_in_jpeg_xl_are_reported(policy: Any) -> None:
    """Made at run time, since JPEG XL may be unavailable on this machine."""
    if "jxl" not in FORMATS:
        return
    result = render(jxl_with_box(manifest()), metadata=policy, format="webp")
    assert "credentials_removed" in codes(result.report.warnings)
    assert b"c2pa" not in result.data


def test_the_witness_finds_the_manifests_too() -> None:
    for name, extension in (("JPEG", "jpg"), ("PNG", "png")):
        found = told(MANIFESTS[name], extension)
        assert any("JUMBF" in key or "JUMD" in key for key in found), name


@pytest.mark.parametrize(
    "data",
    [
        jpeg_with(box(b"jumb", box(b"jumd", b"\x00" * 16 + b"\x03other\x00"))),
        samples.saved(samples.quarters(), "AVIF") + box(b"uuid", b"\x00" * 40),
        samples.saved(samples.quarters(), "JPEG", comment=b"c2pa"),
    ],
    ids=["other JUMBF", "other uuid", "comment"],
)
def test_data_that_only_resembles_credentials_is_ignored(data: bytes) -> None:
    assert "credentials_removed" not in codes(render(data).report.warnings)


def test_a_label_that_is_only_in_the_credentials_is_kept() -> None:
    store = manifest(b"\x71digitalSourceType\x78\x46" + (URI + AI).encode())
    for data in (jpeg_with(store), png_with_chunk(store), tiff_with_tag(store), gif_with_extension(store)):
        result = render(data, format="png")
        assert label(result) == [URI + AI]


def test_a_label_survives_a_second_conversion() -> None:
    once = render(SOURCES["PNG"], format="webp")
    twice = render(once.data, format="avif")
    assert label(twice) == [URI + AI]
    with Image.open(io.BytesIO(twice.data)) as image:
        assert image.format == "AVIF"
