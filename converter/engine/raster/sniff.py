"""Detect a file's format from its first bytes, never from its name."""

from __future__ import annotations

from converter.engine.errors import EmptyFile, NotAnImage, UnsupportedFormat
from converter.engine.formats import FORMATS, NOT_INSTALLED

from .codecs import Codec, recognised

_REFUSED: tuple[tuple[bytes, str], ...] = (
    (b"%!PS", "eps"),
    (b"\xc5\xd0\xd3\xc6", "eps"),
    (b"8BPS", "psd"),
    (b"FUJIFILMCCD-RAW", "raw"),
    (b"IIU\x00", "raw"),
    (b"IIRO", "raw"),
    (b"IIRS", "raw"),
    (b"MMOR", "raw"),
    (b"gimp xcf", "xcf"),
    (b"qoif", "qoi"),
    (b"DDS ", "dds"),
    (b"v/1\x01", "exr"),
    (b"\xd7\xcd\xc6\x9a", "metafile"),
    (b"PK\x03\x04", "zip"),
)


def sniff(data: bytes) -> Codec:
    """Return the codec for the format of these bytes.

    Raises EmptyFile, UnsupportedFormat, NotAnImage.
    """
    if not data:
        raise EmptyFile
    codec = recognised(data)
    if codec is not None and codec.format.decodes:
        return codec
    kind = codec.format.name if codec else _refused(data)
    if kind is None:
        raise NotAnImage(formats=[format.label for format in FORMATS.values() if format.decodes])
    raise UnsupportedFormat(kind=kind)


def _refused(data: bytes) -> str | None:
    """Return the kind of unsupported file, or None if unknown."""
    if data[4:8] == b"ftyp":
        return "raw" if data[8:12] == b"crx " else "video"
    if data[:4] in (b"II*\x00", b"MM\x00*") and data[8:10] == b"CR":
        return "raw"
    if data.startswith(b"\x00\x00\x02\x00"):
        return _cursor_or_targa(data)
    for signature, kind in _REFUSED:
        if data.startswith(signature):
            return kind
    for format in NOT_INSTALLED:
        if format.begins(data):
            return format.name
    start = data[:2000].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if start.startswith(b"<svg") or (
        start.startswith((b"<?xml", b"<!doctype svg", b"<!--")) and b"<svg" in start
    ):
        return "svg"
    return None


def _cursor_or_targa(data: bytes) -> str:
    """Tell a cursor from a Targa file, which may begin with the same bytes.

    A cursor continues with the number of its images and an entry whose data lies within the file.
    """
    count, first = int.from_bytes(data[4:6], "little"), data[6:22]
    size, offset = int.from_bytes(first[8:12], "little"), int.from_bytes(first[12:16], "little")
    is_cursor = count and offset >= 6 + 16 * count and size and offset + size <= len(data)
    return "cursor" if is_cursor or len(data) < 22 else "tga"
