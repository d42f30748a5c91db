"""Recognise files that are not in a format we know, so that errors can name them and say what helps.

Signatures are those of the formats' specifications, as also listed by libmagic and WHATWG's MIME Sniffing.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Sequence
from typing import Any

from converter.engine.errors import InvalidImage, NotAnImage, UnsupportedFormat

Signatures = Sequence[tuple[bytes, str]]

_KINDS: Signatures = (
    (rb"\xc5\xd0\xd3\xc6|%!PS", "eps"),
    (rb"8BPS", "psd"),
    (rb"FUJIFILMCCD-RAW|II(?:U\0|RO|RS)|MMOR|II.{4}HEAPCCDR|FOVb|\0MRM", "raw"),
    (rb"(?:II\*\0|MM\0\*).{4}CR", "raw"),
    (rb".{4}ftypcrx ", "raw"),
    (rb"gimp xcf", "xcf"),
    (rb"qoif", "qoi"),
    (rb"DDS ", "dds"),
    (rb"v/1\x01", "exr"),
    (rb"\xd7\xcd\xc6\x9a|[\x01\x02]\0\x09\0\0[\x01\x03]|\x01\0\0\0.{36} EMF", "metafile"),
    (rb"RIFF.{4}ACON", "cursor"),
    (rb".{4}ftyp(?:M4[ABP] |F4A )", "audio"),
    (rb"ID3[\x02-\x04]|\xff[\xf1\xf2\xf3\xf9\xfa\xfb]|fLaC|RIFF.{4}WAVE|FORM.{4}AIF[FC]|MThd|#!AMR", "audio"),
    (rb"OggS.{24}(?:.vorbis|Opus|.FLAC|Speex)", "audio"),
    (rb".{4}ftyp|[\0-\x1f].{3}(?:moov|mdat|wide|free|skip)|\x1aE\xdf\xa3|RIFF.{4}AVI |FLV\x01|OggS", "video"),
    (rb"\0\0\x01[\xb3\xba]|\x30\x26\xb2\x75\x8e\x66\xcf\x11|\x47.{187}\x47.{187}\x47", "video"),
    (rb"PK\x03\x04|PK\x05\x06", "zip"),
)

_IMAGES: Signatures = (
    (rb"AT&TFORM", "DjVu"),
    (rb"BPG\xfb", "BPG"),
    (rb"FLIF", "FLIF"),
    (rb"II\xbc", "JPEG XR"),
    (rb".{128}DICM", "DICOM"),
    (rb"SIMPLE  = {20}T", "FITS"),
    (rb"#\?(?:RADIANCE|RGBE)\n", "Radiance HDR"),
    (rb"\x0a[\0\x02-\x05]\x01[\x01\x02\x04\x08]", "PCX"),
    (rb"P[1-6][ \t\r\n]+[#\d]|P7\n|P[Ff]\n\d", "Netpbm"),
    (rb"icns", "ICNS"),
    (rb"SDPX|XPDS", "DPX"),
    (rb"\x80\x2a\x5f\xd7", "Cineon"),
    (rb"LBLSIZE=", "VICAR"),
    (rb".{522}\0\x11\x02\xff\x0c\0", "PICT"),
    (rb"\x28\0\0\0.{8}\x01\0[\x01\x04\x08\x10\x18\x20]\0", "DIB"),
    (rb"Paint Shop Pro Image File\n\x1a", "Paint Shop Pro"),
    (rb"\0\xffKA", "Affinity"),
    (rb"CSFCHUNK", "Clip Studio Paint"),
    (rb"RIFF.{4}CDR", "CorelDRAW"),
    (rb"FORM.{4}(?:ILBM|PBM )", "ILBM"),
    (rb"\xabKTX [12][10]\xbb\r\n\x1a\n", "KTX"),
    (rb"\x13\xab\xa1\x5c", "ASTC"),
    (rb"VTF\0", "VTF"),
    (rb"\x97JB2\r\n\x1a\n", "JBIG2"),
    (rb"\x8aMNG\r\n\x1a\n", "MNG"),
    (rb"\x8bJNG\r\n\x1a\n", "JNG"),
    (rb"\x59\xa6\x6a\x95", "Sun Raster"),
    (rb"\x01\xda[\0\x01][\x01\x02]", "SGI"),
    (rb"/\* XPM \*/", "XPM"),
    (rb"#define [^\n]+_width \d", "XBM"),
    (rb"id=ImageMagick", "MIFF"),
    (rb"AC10\d\d", "DWG"),
)

_DOCUMENTS: Signatures = (
    (rb"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "Microsoft Office"),
    (rb"\{\\rtf", "RTF"),
)

_ARCHIVES: Signatures = (
    (rb"\x1f\x8b", "gzip"),
    (rb"7z\xbc\xaf\x27\x1c", "7z"),
    (rb"Rar!\x1a\x07", "RAR"),
    (rb"BZh[1-9]1AY&SY", "bzip2"),
    (rb"\xfd7zXZ\0", "xz"),
    (rb"\x28\xb5\x2f\xfd", "Zstandard"),
    (rb".{257}ustar", "tar"),
)

_TYPES_IN_ZIP: Signatures = (
    (rb"application/x-krita", "Krita"),
    (rb"image/openraster", "OpenRaster"),
    (rb"application/vnd\.oasis\.opendocument", "OpenDocument"),
    (rb"application/epub\+zip", "EPUB"),
)
_PAINTED = ("Krita", "OpenRaster")
_OFFICE_FOLDERS = ((b"word/", "Word"), (b"xl/", "Excel"), (b"ppt/", "PowerPoint"))
_END_OF_ZIP = 65_536

_SUBSTITUTES: Signatures = (
    # PNG, JPEG, GIF and RIFF files whose bytes were decoded as UTF-8 or Latin-1 or got other line ends
    # (PNG specification, 5.2), or were sent with the headers of a form.
    (rb"(?:\xef\xbf\xbd|\xc2\x89|\x89|\t|\?)PNG[\r\n]", "mangled"),
    (rb"(?:(?:\xef\xbf\xbd|\?){3,4}|\xc3\xbf\xc3\x98\xc3\xbf)[^ -~]{0,3}.{0,4}(?:JFIF|Exif)\0", "mangled"),
    (rb"--[^\r\n]{1,70}\r?\nContent-Disposition: ?form-data;", "multipart"),
    (rb"(?:[Ff][Ff][Dd]8[Ff][Ff]|89504[Ee]47)[\da-fA-F]", "base64"),
    (rb"version https://git-lfs\.github\.com/spec/", "git_lfs"),
    (rb"\0\x05\x16[\0\x07]\0\x02\0\0", "apple_double"),
    (rb"bplist00.*NSURLName", "icloud"),
    (rb"\x4c\0\0\0\x01\x14\x02\0|book\0\0\0\0mark", "shortcut"),
    (rb"\s*\[(?:InternetShortcut|Desktop Entry|\{000214A0-)", "shortcut"),
    (rb"(?:data:image/[a-z+-]+;base64,|/9j/|iVBORw0KGgo|R0lGOD|UklGR)[\w+/=\s]", "base64"),
)

_LOOKED_AT = 2_000
_CONTROL = re.compile(rb"[\0-\x08\x0e-\x1a\x1c-\x1f\x7f]")
_TEXTUAL = 0.9
"""The least part of a text that is UTF-8. Other encodings differ in single letters; the end may be cut."""
_BYTE_ORDER_MARKS = {b"\xff\xfe": "utf-16-le", b"\xfe\xff": "utf-16-be"}
# A comment ends at the first "-->", and may not be tried with a later one: that takes exponential time.
_WEB_PAGE = re.compile(
    r"(?:<\?xml[^>]*>\s*|<!--(?:(?!-->).)*-->\s*)*<(?:!doctype html|html|head|body|title)\b", re.DOTALL
)
_TARGA_DEPTHS = (8, 15, 16, 24, 32)


def refusal(data: bytes, formats: Sequence[str]) -> InvalidImage:
    """Return the error for a file that is in none of the formats whose names are given."""
    if kind := _found(_KINDS, data):
        return _in_zip(data) if kind == "zip" else UnsupportedFormat(kind=kind)
    if data.startswith(b"\0\0\2\0"):
        return UnsupportedFormat(kind=_cursor_or_targa(data))
    if name := _found(_ARCHIVES, data):
        return _in_gzip(data) if name == "gzip" else UnsupportedFormat(kind="archive", name=name)
    for kind, signatures in (("image", _IMAGES), ("document", _DOCUMENTS)):
        if name := _found(signatures, data):
            return UnsupportedFormat(kind=kind, name=name)
    if _is_targa(data):
        return UnsupportedFormat(kind="tga")
    if kind := _found(_SUBSTITUTES, data):
        return NotAnImage(kind=kind, formats=formats)
    if not data.strip(b"\0"):
        return NotAnImage(kind="zeros", formats=formats)
    return _of_text(_text(data[:_LOOKED_AT]), formats)


def _found(signatures: Signatures, data: bytes) -> str | None:
    beginning = data[:_LOOKED_AT]
    return next((kind for found, kind in signatures if re.match(found, beginning, re.DOTALL)), None)


def _in_zip(data: bytes) -> InvalidImage:
    """Return the error for a ZIP file, which is also the container of documents."""
    if data[30:38] == b"mimetype" and (name := _found(_TYPES_IN_ZIP, data[38:])):
        return UnsupportedFormat(kind="image" if name in _PAINTED else "document", name=name)
    if b"[Content_Types].xml" in data[:_LOOKED_AT] or b"_rels/.rels" in data[:_LOOKED_AT]:
        end = data[-_END_OF_ZIP:]
        name = next((name for folder, name in _OFFICE_FOLDERS if folder in end), "Microsoft Office")
        return UnsupportedFormat(kind="document", name=name)
    return UnsupportedFormat(kind="zip")


def _in_gzip(data: bytes) -> InvalidImage:
    """Return the error for a gzip file, which may be a compressed SVG drawing."""
    try:
        beginning = zlib.decompressobj(wbits=31).decompress(data, _LOOKED_AT)
    except zlib.error:
        beginning = b""
    is_svg = _is_svg(_text(beginning))
    return UnsupportedFormat(kind="svg") if is_svg else UnsupportedFormat(kind="archive", name="gzip")


def _text(beginning: bytes) -> str:
    """Return the text without leading blanks, in lower case, or nothing if it is no text."""
    if encoding := _BYTE_ORDER_MARKS.get(beginning[:2]):
        beginning = beginning[2:].decode(encoding, "ignore").encode()
    text = beginning.decode("utf-8-sig", "ignore")
    is_binary = _CONTROL.search(beginning) or len(text.encode()) < _TEXTUAL * len(beginning) - 3
    return "" if is_binary else text.strip().lower()


def _is_svg(text: str) -> bool:
    return text.startswith("<svg") or (
        text.startswith(("<?xml", "<!doctype svg", "<!--"))
        and re.search(r"<(?:\w+:)?svg\b", text) is not None
    )


def _of_text(text: str, formats: Sequence[str]) -> InvalidImage:
    if _WEB_PAGE.match(text):  # perhaps with drawings
        return NotAnImage(kind="web_page", formats=formats)
    if _is_svg(text):
        return UnsupportedFormat(kind="svg")
    kind: dict[str, Any] = {}
    if "<plist" in text and "<key>url</key>" in text:
        kind = {"kind": "shortcut"}
    elif text.startswith("<?xml"):
        kind = {"kind": "data", "name": "XML"}
    elif re.match(r"\{\s*[\"}]|\[\s*[\[{\"\d\]]", text):
        kind = {"kind": "data", "name": "JSON"}
    elif text:
        kind = {"kind": "text"}
    return NotAnImage(**kind, formats=formats)


def _cursor_or_targa(data: bytes) -> str:
    """Tell a cursor from a Targa file, which may begin with the same bytes.

    A cursor continues with the number of its images and an entry whose data lies within the file.
    """
    count, first = int.from_bytes(data[4:6], "little"), data[6:22]
    size, offset = int.from_bytes(first[8:12], "little"), int.from_bytes(first[12:16], "little")
    is_cursor = count and offset >= 6 + 16 * count and size and offset + size <= len(data)
    return "cursor" if is_cursor or len(data) < 22 else "tga"


def _is_targa(data: bytes) -> bool:
    """Return whether it has the footer of Targa 2.0, or a header that fits Targa 1.0, which has no signature."""
    if data[-18:] == b"TRUEVISION-XFILE.\0":
        return True
    if len(data) < 18 or not re.match(rb"\0(?:\0[\x02\x03\x0a\x0b]\0{5}|\x01[\x01\x09])", data):
        return False
    width, height = int.from_bytes(data[12:14], "little"), int.from_bytes(data[14:16], "little")
    return width > 0 and height > 0 and data[16] in _TARGA_DEPTHS
