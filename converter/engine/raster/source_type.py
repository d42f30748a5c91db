"""The IPTC digital source type: whether a picture was made by a camera, a person, a program or AI.

See https://cv.iptc.org/newscodes/digitalsourcetype/. It identifies nobody, and some countries forbid removing
it from pictures made by AI, so it is kept even if all other metadata is stripped.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

_VOCABULARY = "http://cv.iptc.org/newscodes/digitalsourcetype/"
_TERM = rb"([A-Za-z]{3,50})(?![A-Za-z])"
_ADDRESS = re.compile(rb"cv\.iptc\.org/newscodes/digitalsourcetype/" + _TERM)
# The property by name: as an attribute, an element or a line of text.
_NAMED = re.compile(
    rb"(?i:digital[ _]?source[ _]?type)\s{0,9}(?:=\s{0,9}[\"']?|>\s{0,9}|:\s{0,9})(?:digsrctype:)?" + _TERM
)
_MOST = 4_000_000
_END = b"</rdf:RDF>"


def found(places: Iterable[bytes]) -> str:
    """Return the first vocabulary term in these places, preferring one about AI; empty if there is none."""
    terms = [
        match[1].decode("ascii")
        for place in places
        for pattern in (_ADDRESS, _NAMED)
        for match in pattern.finditer(place[:_MOST])
        if match[1] not in (b"http", b"https")
    ]
    return next((term for term in terms if "lgorithmic" in term), terms[0] if terms else "")


def labelled(xmp: bytes, term: str) -> bytes:
    """Return the packet with the term added, or a new packet if it is empty or invalid."""
    if found([xmp]) == term:
        return xmp
    head, end, tail = xmp.rpartition(_END)
    if not end:
        return _packet(term)
    return head + _description(term) + end + tail


def _packet(term: str) -> bytes:
    return (
        b'<?xpacket begin="\xef\xbb\xbf" id="W5M0MpCehiHzreSzNTczkc9d"?>'
        b'<x:xmpmeta xmlns:x="adobe:ns:meta/">'
        b'<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        + _description(term)
        + _END
        + b'</x:xmpmeta><?xpacket end="w"?>'
    )


def _description(term: str) -> bytes:
    return (
        '<rdf:Description rdf:about="" xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/" '
        f'Iptc4xmpExt:DigitalSourceType="{_VOCABULARY}{term}"/>'
    ).encode()
