"""Read metadata that ImageMagick and exiftool store in PNG as hexadecimal texts ("Raw profile type APP1")."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterable, Iterator

from .png_chunks import MOST_TEXT, Chunk, made

_NAME = re.compile(rb"(?i)raw profile type ([\w ]{1,40})\x00")
_HEAD = re.compile(rb"\s*\S[^\n]{0,40}\s+(\d{1,9})\s+")
_KINDS = {b"exif": "exif", b"app1": "exif", b"xmp": "xmp", b"iptc": "iptc", b"8bim": "iptc"}
_PROFILES = (b"icc", b"icm")  # colour profiles, which browsers do not read from here
_EXIF = b"Exif\x00\x00"
_XMP_OF_JPEG = b"http://ns.adobe.com/xap/1.0/\x00"
_XMP = b"XML:com.adobe.xmp\x00\x00\x00\x00\x00"
_IPTC = "Raw profile type iptc"
_WRITTEN = "\niptc\n{size}\n{digits}\n"


def as_usual(found: Iterable[Chunk]) -> Iterator[bytes | memoryview]:
    """Yield the chunks with raw profiles converted to standard ones.

    EXIF and XMP get their own chunks, and IPTC gets one common name. Standard chunks take precedence over raw
    profiles, and the first of several raw profiles is used.
    """
    chunks = list(found)
    there = {kind for chunk in chunks if (kind := _usual_kind(chunk))}
    for chunk in chunks:
        if not _is_raw(chunk):
            yield chunk.raw
            continue
        kind, content = unpacked(chunk)
        if content and kind not in there:
            there.add(kind)
            yield _made(kind, content)


def unpacked(chunk: Chunk) -> tuple[str, bytes | None]:
    """Return the kind of metadata in a raw profile, or "comment" if unknown, and its content.

    The content is None if it is damaged or of an unknown kind.
    """
    match = _NAME.match(chunk.data)
    assert match
    name = match[1].strip().lower()
    content = _content(chunk) if name in _KINDS else None
    if content is None:
        return _KINDS.get(name, "comment"), None
    if content.startswith(_XMP_OF_JPEG):
        return "xmp", content[len(_XMP_OF_JPEG) :]
    return _KINDS[name], content


def lost(found: Iterable[Chunk]) -> Iterator[str]:
    """Yield the kinds of metadata in raw profiles that cannot be read."""
    for chunk in found:
        match = _NAME.match(chunk.data) if _is_raw(chunk) else None
        if match and match[1].strip().lower() not in _PROFILES:
            kind, content = unpacked(chunk)
            if content is None:
                yield kind


def _is_raw(chunk: Chunk) -> bool:
    return chunk.kind in (b"tEXt", b"zTXt", b"iTXt") and bool(_NAME.match(chunk.data))


def _usual_kind(chunk: Chunk) -> str:
    if chunk.kind == b"eXIf":
        return "exif"
    return "xmp" if chunk.kind == b"iTXt" and chunk.data.startswith(b"XML:com.adobe.xmp\x00") else ""


def _content(chunk: Chunk) -> bytes | None:
    text = _text(chunk)
    head = _HEAD.match(text)
    if head is None:
        return None
    try:
        return bytes.fromhex(text[head.end() :].decode("ascii"))[: int(head[1])]
    except ValueError:
        return None


def _text(chunk: Chunk) -> bytes:
    """Return the decompressed text, or empty bytes if it is damaged."""
    _, _, rest = chunk.data.partition(b"\x00")
    if chunk.kind == b"tEXt":
        return rest
    is_packed = chunk.kind == b"zTXt" or rest[:1] == b"\x01"
    text = rest[1:] if chunk.kind == b"zTXt" else rest[2:].split(b"\x00", 2)[-1]
    try:
        return zlib.decompressobj().decompress(text, MOST_TEXT) if is_packed else text
    except zlib.error:
        return b""


def _made(kind: str, content: bytes) -> bytes:
    if kind == "exif":
        return made(b"eXIf", content.removeprefix(_EXIF))
    if kind == "xmp":
        return made(b"iTXt", _XMP + content)
    name, words = iptc_text(content)
    return made(b"tEXt", f"{name}\x00{words}".encode())


def iptc_text(iptc: bytes) -> tuple[str, str]:
    """Return the name and value of the text chunk for these IPTC datasets."""
    return _IPTC, _WRITTEN.format(size=len(iptc), digits=iptc.hex())
