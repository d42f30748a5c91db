"""Read and write XMP in JPEG, also in extended segments (XMP specification, part 3, 1.1.3.1)."""

from __future__ import annotations

import hashlib
import re

from .jpeg_segments import before_pixels

_APP1 = 0xE1
_EXTENSION = b"http://ns.adobe.com/xmp/extension/\x00"
_MAIN = b"http://ns.adobe.com/xap/1.0/\x00"
_MOST_IN_SEGMENT = 65_502
_PIECE = 65_400
_DIGEST = 32

# None of these searches the rest of the packet from many places, which would take minutes for a crafted one.
_NOTE = re.compile(rb"\sxmpNote:HasExtendedXMP\s*=\s*[\"']([0-9A-Fa-f]{32})[\"']")
_NOTE_ELEMENT = re.compile(rb"<xmpNote:HasExtendedXMP>([0-9A-Fa-f]{32})</xmpNote:HasExtendedXMP>")
_START, _END = re.compile(rb"<rdf:RDF([^<>]*)>"), b"</rdf:RDF>"
_NAMESPACE = re.compile(rb"xmlns:(?!rdf\b)")
_WRAPPER = re.compile(rb"<\?xpacket[^<>]*\?>\s*")


def whole_packet(data: bytes, main: bytes) -> bytes | None:
    """Return the main packet merged with its extension, or None if the extension is incomplete."""
    note = _NOTE.search(main) or _NOTE_ELEMENT.search(main)
    if note is None:
        return main
    extension = _extension(data, note[1].upper())
    start, end, at = _START.search(extension), extension.rfind(_END), main.rfind(_END)
    if start is None or end < start.end() or at < 0 or _NAMESPACE.search(start[1]):
        return None
    content = extension[start.end() : end]
    return _NOTE_ELEMENT.sub(b"", _NOTE.sub(b"", main[:at] + content + main[at:]))


def _extension(data: bytes, digest: bytes) -> bytes:
    """Return the extension, or empty bytes if a part of it is missing."""
    pieces: dict[int, bytes] = {}
    full = 0
    for segment in before_pixels(data):
        body = data[segment.start : segment.end] if segment.marker == _APP1 else b""
        if not body.startswith(_EXTENSION) or body[len(_EXTENSION) :][:_DIGEST].upper() != digest:
            continue
        at = len(_EXTENSION) + _DIGEST
        full = int.from_bytes(body[at : at + 4], "big")
        pieces[int.from_bytes(body[at + 4 : at + 8], "big")] = body[at + 8 :]
    joined = b"".join(pieces[offset] for offset in sorted(pieces))
    return joined if len(joined) == full else b""


def fits(xmp: bytes) -> bool:
    """Return whether the packet fits in one segment."""
    return len(xmp) <= _MOST_IN_SEGMENT


def extended_segments(xmp: bytes) -> bytes:
    """Return the segments of a main packet that refers to the extension, and of the extension."""
    packet = _WRAPPER.sub(b"", xmp).strip()
    digest = hashlib.md5(packet, usedforsecurity=False).hexdigest().upper().encode()
    main = (
        b'<?xpacket begin="\xef\xbb\xbf" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/">'
        b'<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about=""'
        b' xmlns:xmpNote="http://ns.adobe.com/xmp/note/" xmpNote:HasExtendedXMP="'
        + digest
        + b'"/></rdf:RDF></x:xmpmeta><?xpacket end="w"?>'
    )
    size = len(packet).to_bytes(4, "big")
    pieces = [
        _EXTENSION + digest + size + at.to_bytes(4, "big") + packet[at : at + _PIECE]
        for at in range(0, len(packet), _PIECE)
    ]
    return b"".join(
        b"\xff\xe1" + (len(body) + 2).to_bytes(2, "big") + body for body in (_MAIN + main, *pieces)
    )
