"""Leave out metadata boxes of a JPEG XL file, which libjxl would decompress each time, whatever their size."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from .boxes import boxes
from .brotli import is_longer

_METADATA = {b"Exif": "exif", b"xml ": "xmp"}
_MOST_METADATA = 8_000_000
"""The longest compressed metadata that is read, in bytes, as in PNG."""
_COMPRESSED = b"brob"
_TYPE, _HEADER = b"ftyp", 8


def without_tail(data: bytes) -> bytes:
    """Return the file without another file behind it, such as a video; libjxl would refuse it."""
    for number, (kind, start, _) in enumerate(boxes(data)):
        if kind == _TYPE and number > 1:
            return data[: start - _HEADER]
    return data


class _Part(NamedTuple):
    """A box, or what follows the last one."""

    data: memoryview
    kind: bytes = b""
    """The kind of metadata, empty for other boxes."""
    packed: bytes = b""
    """The Brotli stream of compressed metadata."""


def with_last_metadata(data: bytes) -> bytes:
    """Return the file with only the last box of each kind of metadata, which is the one that libjxl returns.

    Those that are too large are left out.
    """
    parts = list(_parts(data))
    last = {part.kind: part for part in parts if part.kind}
    kept = [part for part in parts if not part.kind or part is last[part.kind] and not _is_large(part)]
    return data if len(kept) == len(parts) else b"".join(part.data for part in kept)


def without_metadata(data: bytes) -> bytes:
    parts = list(_parts(data))
    kept = [part.data for part in parts if not part.kind]
    return data if len(kept) == len(parts) else b"".join(kept)


def unread_metadata(data: bytes) -> list[str]:
    """Return the kinds of metadata that are too large to be read."""
    last = {part.kind: part for part in _parts(data) if part.kind}
    return [_METADATA[kind] for kind, part in last.items() if _is_large(part)]


def _is_large(part: _Part) -> bool:
    return is_longer(part.packed, _MOST_METADATA)


def _parts(data: bytes) -> Iterator[_Part]:
    view, end = memoryview(data), 0
    for kind, start, stop in boxes(data):
        is_packed = kind == _COMPRESSED
        held = data[start : start + 4] if is_packed else kind
        if held in _METADATA:
            yield _Part(view[end:stop], held, data[start + 4 : stop] if is_packed else b"")
        else:
            yield _Part(view[end:stop])
        end = stop
    yield _Part(view[end:])
