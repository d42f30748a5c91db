"""Files that are no images, or images in formats that are not read, are called what they are."""

from __future__ import annotations

import base64
import gzip
import plistlib
from io import BytesIO
from typing import Any
from zipfile import ZipFile

import pytest

from converter.engine import Corrupt, InvalidImage, NotAnImage, UnsupportedFormat, UnsupportedVariant
from converter.engine.raster import open

from . import samples


def refusal(data: bytes) -> InvalidImage:
    with pytest.raises(InvalidImage) as caught:
        open(data)
    assert str(caught.value).count(".") >= 2, "no advice"
    return caught.value


def zipped(**entries: str) -> bytes:
    file = BytesIO()
    with ZipFile(file, "w") as archive:
        for name, content in entries.items():
            archive.writestr(name.replace("__", "/"), content)
    return file.getvalue()


def office(part: str) -> bytes:
    return zipped(**{"[Content_Types].xml": "<Types/>", "_rels/.rels": "<Relationships/>", part: "<x/>"})


SVG = b'<svg xmlns="http://www.w3.org/2000/svg"/>'


@pytest.mark.parametrize(
    ("data", "kind", "name"),
    [
        pytest.param(data, kind, name, id=f"{kind} {name or ''} {number}")
        for number, (data, kind, name) in enumerate(
            [
                (b"AT&TFORM\0\0\1\0DJVU", "image", "DjVu"),
                (b"\0" * 128 + b"DICM\2\0\0\0UL", "image", "DICOM"),
                (b"SIMPLE  =" + b" " * 20 + b"T", "image", "FITS"),
                (b"#?RADIANCE\nFORMAT=32-bit_rle_rgbe\n", "image", "Radiance HDR"),
                (b"II\xbc\1\x08\0\0\0", "image", "JPEG XR"),
                (b"FLIF11\0", "image", "FLIF"),
                (b"BPG\xfb\0", "image", "BPG"),
                (b"icns\0\0\1\0", "image", "ICNS"),
                (b"\x0a\5\1\x08\0\0\0\0", "image", "PCX"),
                (b"P6\n# made\n2 2\n255\n", "image", "Netpbm"),
                (b"P7\nWIDTH 2\n", "image", "Netpbm"),
                (b"\x28\0\0\0\2\0\0\0\2\0\0\0\1\0\x18\0\0\0", "image", "DIB"),
                (zipped(mimetype="application/x-krita"), "image", "Krita"),
                (zipped(mimetype="image/openraster"), "image", "OpenRaster"),
                (zipped(mimetype="application/epub+zip"), "document", "EPUB"),
                (office("word/document.xml"), "document", "Word"),
                (office("xl/workbook.xml"), "document", "Excel"),
                (office("ppt/presentation.xml"), "document", "PowerPoint"),
                (office("visio/document.xml"), "document", "Microsoft Office"),
                (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1\0\0", "document", "Microsoft Office"),
                (b"{\\rtf1\\ansi hello}", "document", "RTF"),
                (zipped(a="x"), "zip", None),
                (gzip.compress(b"hello"), "archive", "gzip"),
                (b"\x1f\x8b\x08", "archive", "gzip"),
                (b"7z\xbc\xaf\x27\x1c\0\4", "archive", "7z"),
                (b"Rar!\x1a\7\1\0", "archive", "RAR"),
                (gzip.compress(b'<?xml version="1.0"?>\n' + SVG), "svg", None),
                (b'<?xml version="1.0"?><svg:svg xmlns:svg="http://www.w3.org/2000/svg"/>', "svg", None),
                (SVG.decode().encode("utf-16"), "svg", None),
                (b"8BPS\0\x09\0\0\0\0\0\0\0\3", "psd", None),
                (b"II\x1a\0\0\0HEAPCCDR\2\0", "raw", None),
                (b"FOVb\0\0\2\0", "raw", None),
                (b"\1\0\0\0\x6c\0\0\0" + bytes(32) + b" EMF\0\0\1\0", "metafile", None),
                (b"\1\0\x09\0\0\3\x20\0", "metafile", None),
                (b"RIFF\0\0\0\0ACON", "cursor", None),
                (b"\0\0\x0a" + bytes(9) + b"\2\0\2\0\x18\0", "tga", None),
                (b"\1" * 50 + bytes(8) + b"TRUEVISION-XFILE.\0", "tga", None),
                (b"\0\0\0\x08wide\0\0\1\0mdat", "video", None),
                (b"\x1a\x45\xdf\xa3\xa3\x42\x86\x81\1", "video", None),
                (b"RIFF\0\0\0\0AVI LIST", "video", None),
                (b"OggS\0\2" + bytes(22) + b"\x80theora", "video", None),
                (b"OggS\0\2" + bytes(22) + b"\1vorbis", "audio", None),
                (b"\0\0\0\x18ftypM4A \0\0\0\1", "audio", None),
                (b"ID3\4\0\0\0\0\0\0", "audio", None),
                (b"\xff\xfb\x90\x64\0\0", "audio", None),
                (b"RIFF\0\0\0\0WAVEfmt ", "audio", None),
            ]
        )
    ],
)
def test_other_formats_are_named(data: bytes, kind: str, name: str | None) -> None:
    error = refusal(data)
    assert isinstance(error, UnsupportedFormat)
    assert (error.params["kind"], error.params.get("name")) == (kind, name)
    if name:
        assert error.message.text.startswith(name)


PNG, JPEG = (samples.saved(samples.quarters(), kind) for kind in ("PNG", "JPEG"))
FORM = b'--XX\r\nContent-Disposition: form-data; name="file"; filename="a.jpg"\r\n\r\n' + JPEG
PAGE = b'<?xml version="1.0"?>\n<!-- 403 -->\n<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0 Strict//EN" "x"><html/>'


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"<!DOCTYPE html>\n<html><title>403", "web_page"),
        (b"\xef\xbb\xbf\n<HTML>", "web_page"),
        (PAGE, "web_page"),
        (b"<!-- 403 --><!-- <b> --\n --><html>", "web_page"),
        (b"<!-- saved --><html><body><svg>", "web_page"),
        (b"<!---->" * 250, "text"),  # would take ages if each could end at any other's end
        (b'{"error": {"code": 403}}', "data"),
        (b"[1, 2]", "data"),
        (b'<?xml version="1.0"?><Error><Code>AccessDenied</Code></Error>', "data"),
        (b"hello, I am not a picture", "text"),
        ("BMW fährt über grüne Wiesen".encode(), "text"),
        ("BMW fährt über grüne Wiesen, weit und breit".encode("latin-1"), "text"),
        (b"BM list\n", "text"),
        (b"The wide road", "text"),
        ("Hello".encode("utf-16"), "text"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\n", "git_lfs"),
        (b"\0\5\x16\7\0\2\0\0Mac OS X        \0\2", "apple_double"),
        (plistlib.dumps({"NSURLNameKey": "a.jpg"}, fmt=plistlib.FMT_BINARY), "icloud"),
        (b"[InternetShortcut]\r\nURL=https://example.org/\r\n", "shortcut"),
        (plistlib.dumps({"URL": "https://example.org"}), "shortcut"),
        (b"\x4c\0\0\0\1\x14\2\0\0\0\0\0\xc0", "shortcut"),
        (base64.b64encode(PNG), "base64"),
        (b"data:image/jpeg;base64,/9j/4AAQSkZJ", "base64"),
        (JPEG.hex().encode(), "base64"),
        (PNG.replace(b"\r\n", b"\n"), "mangled"),
        (PNG.decode("latin-1").encode(), "mangled"),
        (PNG.decode("utf-8", "replace").encode(), "mangled"),
        (PNG.decode("ascii", "replace").replace("\ufffd", "?").encode(), "mangled"),
        (JPEG.decode("latin-1").encode(), "mangled"),
        (JPEG.decode("utf-8", "replace").encode(), "mangled"),
        (FORM, "multipart"),
        (b"\0" * 100, "zeros"),
        (b"\xff" * 500, None),
        (bytes(range(1, 256)), None),
        (b"MZ\x90\0\3\0\0\0\4", None),
    ],
)
def test_files_that_are_no_images_are_called_what_they_are(data: bytes, kind: str | None) -> None:
    error = refusal(data)
    assert isinstance(error, NotAnImage)
    assert error.params.get("kind") == kind
    assert "PNG" in error.params["formats"]


@pytest.mark.parametrize("length", range(2, 18))
def test_the_beginning_of_a_bmp_is_not_text(length: int) -> None:
    assert refusal(samples.saved(samples.photo(), "BMP")[:length]).code in (
        ("truncated", "corrupt") if length > 6 else ("truncated", "corrupt", "not_an_image")
    )


def with_components(count: int, told: int) -> bytes:
    """Return a JPEG whose frame header has as many components, and says that it has others."""
    jpeg = samples.saved(samples.quarters(), "JPEG")
    at = jpeg.index(b"\xff\xc0")
    parts = b"".join(bytes((number + 1, 0x11, 0)) for number in range(count))
    frame = b"\xff\xc0" + (8 + len(parts)).to_bytes(2, "big") + jpeg[at + 4 : at + 9] + bytes((told,)) + parts
    return jpeg[:at] + frame + jpeg[at + 2 + int.from_bytes(jpeg[at + 2 : at + 4], "big") :]


@pytest.mark.parametrize("count", [2, 5])
def test_jpegs_with_other_numbers_of_channels_are_not_called_damaged(count: int) -> None:
    error = refusal(with_components(count, count))
    assert isinstance(error, UnsupportedVariant)
    assert error.message.text.startswith(f"This JPEG has {count} channels, which cannot be read here.")


def test_a_jpeg_with_a_wrong_number_of_channels_is_damaged() -> None:
    assert isinstance(refusal(with_components(3, 2)), Corrupt)


def test_an_encrypted_heic_is_not_called_damaged() -> None:
    heic = bytearray((samples.FILES / "phone.heic").read_bytes())
    main = heic.index(b"pitm") + 8
    entry = b"\2\0\0\0" + heic[main : main + 2]
    at = heic.index(b"infe" + entry) + 10
    heic[at : at + 2] = b"\0\1"
    error: Any = refusal(bytes(heic))
    assert isinstance(error, UnsupportedVariant)
    assert error.params["kind"] == "encrypted"
