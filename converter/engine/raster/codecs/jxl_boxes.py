"""Leave out metadata boxes of a JPEG XL file, which libjxl would decompress each time, whatever their size."""

from __future__ import annotations

from collections.abc import Iterator

from .boxes import boxes

_METADATA = (b"Exif", b"xml ")
_COMPRESSED = b"brob"


def with_last_metadata(data: bytes) -> bytes:
    """Return the file with only the last box of each kind of metadata, which is the one that libjxl returns."""
    parts = list(_parts(data))
    last = {kind: number for number, (kind, _) in enumerate(parts) if kind}
    kept = [part for number, (kind, part) in enumerate(parts) if last.get(kind, number) == number]
    return data if len(kept) == len(parts) else b"".join(kept)


def without_metadata(data: bytes) -> bytes:
    parts = list(_parts(data))
    kept = [part for kind, part in parts if not kind]
    return data if len(kept) == len(parts) else b"".join(kept)


def _parts(data: bytes) -> Iterator[tuple[bytes, memoryview]]:
    """Yield each box with its kind of metadata, empty for other boxes and for what follows the last one."""
    view, end = memoryview(data), 0
    for kind, start, stop in boxes(data):
        held = data[start : start + 4] if kind == _COMPRESSED else kind
        yield held if held in _METADATA else b"", view[end:stop]
        end = stop
    yield b"", view[end:]
