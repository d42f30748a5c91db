"""Make the colours of HEIC files readable whose code points libheif does not know."""

from __future__ import annotations

import struct

from .boxes import box

_UNSPECIFIED = 2
_KNOWN = (
    frozenset({1, 2, 4, 5, 6, 7, 8, 9, 10, 11, 12, 22}),
    frozenset({1, 2, *range(4, 19)}),
    frozenset({0, 1, 2, *range(4, 15)}),
)
"""The values of ITU-T H.273 for primaries, transfer function and matrix that are not reserved."""


def with_known_colors(data: bytes) -> bytes:
    """Return the file with reserved code points (`nclx`) set to unspecified; libheif would refuse it."""
    start, end = box(data, b"meta") or (0, 0)
    changed = bytearray()
    at = data.find(b"colrnclx", start, end)
    while 0 <= at <= end - 14:
        codes = struct.unpack_from(">HHH", data, at + 8)
        known = [code if code in kinds else _UNSPECIFIED for code, kinds in zip(codes, _KNOWN, strict=True)]
        if tuple(known) != codes:
            changed = changed or bytearray(data)
            struct.pack_into(">HHH", changed, at + 8, *known)
        at = data.find(b"colrnclx", at + 1, end)
    return bytes(changed) if changed else data
