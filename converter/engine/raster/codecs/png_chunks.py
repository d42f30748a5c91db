"""Parse the chunks of a PNG (W3C, PNG 3rd edition, section 5)."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from typing import NamedTuple

WORDS = (b"tEXt", b"zTXt", b"iTXt", b"eXIf")
PROFILE = b"iCCP"
_SIZES = {b"gAMA": 4, b"cHRM": 32, b"sRGB": 1, b"cICP": 4, b"pHYs": 9, b"acTL": 8}
_CLEAR_SIZES = {0: 2, 2: 6, 3: 1}
"""The size of tRNS by colour type (for palettes, the minimum). Other types have an alpha channel."""
_BEGIN = struct.Struct(">I4s")
"""The length and type with which a chunk begins."""
_MOST_COLORS = 256
_DEFLATE = 0
_FRAMES = (b"fcTL", b"fdAT")
MOST_TEXT = 8_000_000
"""The maximum bytes of decompressed text that are read from one file, and of a profile."""


class Chunk(NamedTuple):
    """A chunk of `source`, with its data from `start` to `end`.

    A file may have thousands, which a dataclass would make twice as slow.
    """

    kind: bytes
    source: bytes
    start: int
    end: int

    @property
    def data(self) -> bytes:
        return self.source[self.start : self.end]

    @property
    def raw(self) -> memoryview:
        """The whole chunk, with length, type and checksum."""
        return memoryview(self.source)[self.start - 8 : self.end + 4]

    @property
    def is_whole(self) -> bool:
        """Return whether the checksum is correct."""
        return zlib.crc32(self.raw[4:-4]) == int.from_bytes(self.raw[-4:], "big")

    @property
    def is_critical(self) -> bool:
        """Return whether decoding needs the chunk, by the case of its first letter."""
        return not self.kind[0] & 0x20

    @property
    def is_usable(self) -> bool:
        """Return whether the chunk should be read. Damaged ancillary chunks are ignored, as in browsers."""
        if self.is_critical or self.kind in _FRAMES:
            return True
        return self._is_formed and self.is_whole

    @property
    def _is_formed(self) -> bool:
        if self.kind == b"tRNS":
            least = _CLEAR_SIZES.get(self.source[25])
            return least is not None and least <= self.end - self.start <= _MOST_COLORS
        if self.kind in (b"zTXt", PROFILE):
            name, _, rest = self.data.partition(b"\x00")
            return bool(name) and len(rest) > 1 and rest[0] == _DEFLATE
        return self.end - self.start >= _SIZES.get(self.kind, 0)

    def unpacked_size(self, most: int) -> int | None:
        """Return the decompressed size of its text or profile, or a number above `most`.

        Returns None if it cannot be decompressed completely.
        """
        packed = self._packed()
        if packed is None:
            return len(self.data)
        unpacker = zlib.decompressobj()
        try:
            size = len(unpacker.decompress(packed, most + 1))
        except zlib.error:
            return None
        return size if unpacker.eof or size > most else None

    def _packed(self) -> bytes | None:
        name, _, rest = self.data.partition(b"\x00")
        if self.kind in (b"zTXt", PROFILE):
            return rest[1:]
        if self.kind == b"iTXt" and rest[:1] == b"\x01":
            return rest[2:].split(b"\x00", 2)[-1]
        return None


def chunks(data: bytes) -> Iterator[Chunk]:
    """Yield all complete chunks up to IEND; what follows it is not part of the PNG."""
    at, kind = 8, b""
    while at + 12 <= len(data) and kind != b"IEND":
        size, kind = _BEGIN.unpack_from(data, at)
        end = at + 12 + size
        if end > len(data):
            return
        yield Chunk(kind, data, at + 8, end - 4)
        at = end


def made(kind: bytes, data: bytes) -> bytes:
    """Return an encoded chunk."""
    return len(data).to_bytes(4, "big") + kind + data + zlib.crc32(kind + data).to_bytes(4, "big")
