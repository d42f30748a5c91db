"""Parse the image header of JPEG XL (ISO/IEC 18181-1, annex D) and the markers of its original JPEG."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice, takewhile

from .boxes import box, boxes

_CODESTREAM = b"\xff\x0a"
_MOST_PARTS = 64
_MOST_MARKERS = 1000
_END_OF_IMAGE = 0xD9
_SIDES = ((1, 9), (1, 13), (1, 18), (1, 30))
_PREVIEW_UNITS = ((16, 0), (32, 0), (1, 5), (33, 9))
_PREVIEW_SIDES = ((1, 6), (65, 8), (321, 10), (1345, 12))


@dataclass(frozen=True)
class Header:
    """Parts of the image header. `orientation` is an EXIF orientation, 1 to 8, which the decoder applies."""

    orientation: int = 1
    is_animation: bool = False


def header(data: bytes) -> Header:
    """Return the parsed header. Missing bits of a truncated one count as 0."""
    bits = _Bits(_codestream(data)[2:64])
    _skip_size(bits)
    if bits.take(1) or not bits.take(1):  # all defaults, or only bit depth and colours
        return Header()
    orientation = 1 + bits.take(3)
    if bits.take(1):  # the intrinsic size
        _skip_size(bits)
    if bits.take(1):
        _skip_preview(bits)
    return Header(orientation, bool(bits.take(1)))


def jpeg_markers(data: bytes) -> set[int]:
    """Return the second bytes of the known markers of the original JPEG.

    Empty if the file was made from pixels. They begin the reconstruction data (ISO/IEC 18181-2, annex A).
    """
    restoring = box(data, b"jbrd")
    if restoring is None:
        return set()
    start, end = restoring
    bits = _Bits(data[start : min(end, start + _MOST_MARKERS)])
    bits.take(1)  # whether the image is grey
    markers = (0xC0 + bits.take(6) for _ in range(_MOST_MARKERS))
    return set(takewhile(lambda marker: marker != _END_OF_IMAGE, markers))


def _codestream(data: bytes) -> bytes:
    """Return the codestream or its first parts."""
    if data.startswith(_CODESTREAM):
        return data
    whole = box(data, b"jxlc")
    if whole:
        return data[slice(*whole)]
    # Each part begins with its index, and the first may contain only the signature.
    parts = (data[start + 4 : end] for kind, start, end in boxes(data) if kind == b"jxlp")
    return b"".join(islice(parts, _MOST_PARTS))


class _Bits:
    """Reads numbers of given bit lengths, lowest bit first, and zeros after the end."""

    def __init__(self, data: bytes) -> None:
        self._left = int.from_bytes(data, "little")

    def take(self, count: int) -> int:
        value = self._left & ((1 << count) - 1)
        self._left >>= count
        return value

    def choose(self, choices: Sequence[tuple[int, int]]) -> int:
        least, count = choices[self.take(2)]
        return least + self.take(count)


def _skip_size(bits: _Bits) -> None:
    """Skip the size. The width is stored only if the aspect ratio is not a standard one."""
    in_eights = bits.take(1)
    _skip_side(bits, in_eights)
    if bits.take(3) == 0:
        _skip_side(bits, in_eights)


def _skip_side(bits: _Bits, in_eights: int) -> None:
    if in_eights:
        bits.take(5)
    else:
        bits.choose(_SIDES)


def _skip_preview(bits: _Bits) -> None:
    sides = _PREVIEW_UNITS if bits.take(1) else _PREVIEW_SIDES
    bits.choose(sides)
    if bits.take(3) == 0:
        bits.choose(sides)
