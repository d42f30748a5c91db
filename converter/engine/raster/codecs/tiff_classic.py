"""Convert big-endian BigTIFF, which Pillow misreads, to classic TIFF by rewriting its directories."""

from __future__ import annotations

import struct

_MAGIC, _CLASSIC = b"MM\x00+", b"MM\x00*"
_LONG = 4
_AS_LONG = {16: _LONG, 17: 9, 18: _LONG}
"""Maps the 8-byte types of BigTIFF to the equivalent types of classic TIFF."""
_SIZES = {
    1: 1,
    2: 1,
    3: 2,
    4: 4,
    5: 8,
    6: 1,
    7: 1,
    8: 2,
    9: 4,
    10: 8,
    11: 4,
    12: 8,
    13: 4,
    16: 8,
    17: 8,
    18: 8,
}
_DIRECTORIES = (34665, 34853, 40965)
"""The tags of the EXIF, GPS and interoperability subdirectories."""
_MOST_DIRECTORIES = 10_000


def as_classic(data: bytes) -> bytes:
    """Return a big-endian BigTIFF as classic TIFF, and other files unchanged.

    Raises EOFError if a directory is outside the file.
    """
    if data[:4] != _MAGIC:
        return data
    try:
        return _Rewriting(data).run()
    except struct.error as exc:
        raise EOFError from exc


class _Rewriting:
    """Appends new directories to the file and replaces its first 8 bytes by a classic header."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._output = bytearray(data)
        self._seen: set[int] = set()

    def run(self) -> bytes:
        self._output[:4] = _CLASSIC
        link, at = 4, struct.unpack_from(">Q", self._data, 8)[0]
        while at and at not in self._seen and len(self._seen) < _MOST_DIRECTORIES:
            place, next_link, at = self._directory(at)
            struct.pack_into(">I", self._output, link, place)
            link = next_link
        return bytes(self._output)

    def _directory(self, at: int) -> tuple[int, int, int]:
        """Rewrite the directory at `at`.

        Return its new offset, the position of its link to the next directory, and the old offset of that.
        """
        self._seen.add(at)
        count = struct.unpack_from(">Q", self._data, at)[0]
        end = at + 8 + 20 * count
        following = struct.unpack_from(">Q", self._data, end)[0]
        entries = [self._entry(entry) for entry in range(at + 8, end, 20)]
        place = self._appended(struct.pack(">H", count) + b"".join(entries) + bytes(4))
        return place, place + 2 + 12 * count, following

    def _entry(self, at: int) -> bytes:
        tag, kind, count = struct.unpack_from(">HHQ", self._data, at)
        size = _SIZES.get(kind, 1) * count
        start = at + 12 if size <= 8 else struct.unpack_from(">Q", self._data, at + 12)[0]
        values = self._data[start : start + size]
        if len(values) < size:
            raise EOFError
        if kind in _AS_LONG:
            kind = _AS_LONG[kind]
            values = struct.pack(f">{count}I", *struct.unpack(f">{count}Q", values))
        if tag in _DIRECTORIES and kind == _LONG and count == 1:
            inner = struct.unpack(">I", values)[0]
            if inner not in self._seen:
                values = struct.pack(">I", self._directory(inner)[0])
        if len(values) > 4:
            values = struct.pack(">I", self._appended(values))
        return struct.pack(">HHI", tag, kind, count) + values.ljust(4, b"\0")

    def _appended(self, content: bytes) -> int:
        self._output += bytes(len(self._output) % 2)
        place = len(self._output)
        self._output += content
        return place
