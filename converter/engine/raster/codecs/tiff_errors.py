"""Detect damage in the compressed data of a TIFF, which libtiff decodes all the same.

For CCITT compression (fax), libtiff reports lines that it cannot decode to an error handler, which is set here
through `ctypes` and tested before use. If that fails, no errors are known. Pillow discards the warnings about
lines of a wrong length.
"""

from __future__ import annotations

import ctypes
import zlib
from collections.abc import Iterable, Iterator
from ctypes import c_char_p, c_void_p
from io import BytesIO
from typing import Any

from PIL import Image
from PIL.TiffImagePlugin import (
    COMPRESSION,
    FILLORDER,
    IMAGELENGTH,
    IMAGEWIDTH,
    JPEGTABLES,
    STRIPBYTECOUNTS,
    STRIPOFFSETS,
    TILEBYTECOUNTS,
    TILEOFFSETS,
)

from . import jpeg_damage
from .optional import OptionalLibrary, Unfit, linked_with

_DECODERS = b"Fax"
"""The beginning of the decoders' names."""
_GROUP_4, _JPEG, _DEFLATE = 4, 7, (8, 32946)
_LOW_BIT_FIRST = 2
_REVERSED = bytes(int(f"{value:08b}"[::-1], 2) for value in range(256))
_HOLE = bytes(16)
_AT_ONCE = 1 << 20
_MOST_OF_PIXEL = 32
"""The maximum bytes of a pixel: four channels of 64 bits."""


class _Errors:
    """The number of errors in compressed data so far."""

    count = 0


@ctypes.CFUNCTYPE(None, c_void_p, c_char_p, c_char_p, c_void_p)  # type: ignore[untyped-decorator]
def _handle(_file: int, decoder: bytes | None, _format: bytes, _arguments: int) -> None:
    _Errors.count += (decoder or b"").startswith(_DECODERS)


def count() -> int:
    """Return the number of errors in this process so far."""
    return 0 if LIBRARY.problem() else _Errors.count


def has_hole(tags: Any, data: bytes) -> bool:
    """Return whether a run of zeros in the current page's data is no compressed data, as after a failed copy."""
    compression, tables = tags.get(COMPRESSION), tags.get(JPEGTABLES, b"")
    if compression == _GROUP_4:  # no code has as many zeros (T.6, 2.2)
        return any(_parts_with_hole(tags, data))
    if compression in _DEFLATE:
        most = _MOST_OF_PIXEL * tags[IMAGEWIDTH] * tags[IMAGELENGTH]
        parts = _parts_with_hole(tags, data)
        if tags.get(FILLORDER) == _LOW_BIT_FIRST:
            parts = (part.translate(_REVERSED) for part in parts)
        return _lacks_a_checksum(parts, most)
    if compression == _JPEG:
        return any(jpeg_damage.is_damaged(tables[:-2] + part[2:]) for part in _parts_with_hole(tags, data))
    return False


def _parts_with_hole(tags: Any, data: bytes) -> Iterator[bytes]:
    """Yield the compressed data of each strip or tile with a run of zeros that is not at its end.

    Together they are at most as long as the file: strips may overlap, and each would be searched again.
    """
    room = len(data)
    for offsets, sizes in ((STRIPOFFSETS, STRIPBYTECOUNTS), (TILEOFFSETS, TILEBYTECOUNTS)):
        for start, size in zip(tags.get(offsets, ()), tags.get(sizes, ()), strict=False):
            room -= size
            if room < 0:
                return
            at = data.find(_HOLE, start, start + size)
            if at >= 0 and data[at : start + size].strip(b"\0"):
                yield data[start : start + size]


def _lacks_a_checksum(parts: Iterable[bytes], most: int) -> bool:
    """Return whether Deflate data lacks the checksum at its end, which libtiff ignores.

    Of all parts together, this many bytes are decompressed at most.
    """
    try:
        for part in parts:
            unpacker = zlib.decompressobj()
            while part and most > 0:
                most -= len(unpacker.decompress(part, _AT_ONCE))
                part = unpacker.unconsumed_tail
    except zlib.error:
        return True
    return False


def _tried() -> None:
    """Set the handler and test it. Raises Unfit."""
    try:
        library = linked_with("_imaging")
        library.TIFFSetErrorHandlerExt(_handle)
        library.TIFFSetErrorHandler(None)  # it would print them
    except (ImportError, OSError, AttributeError) as exc:
        raise Unfit(f"libtiff's error handler cannot be set: {exc}") from exc
    try:
        right = _are_reported()
    except OSError as exc:
        raise Unfit(f"libtiff cannot be tested: {exc}") from exc
    if not right:
        raise Unfit("libtiff does not report errors")


def _are_reported() -> bool:
    """Return whether there are errors in damaged data only."""
    file = BytesIO()
    Image.linear_gradient("L").convert("1").save(file, "TIFF", compression="group4")
    intact, middle = file.getvalue(), file.tell() // 2
    damaged = intact[:middle] + b"\xff" * 16 + intact[middle + 16 :]
    return not _errors_in(intact) and _errors_in(damaged) > 0


def _errors_in(data: bytes) -> int:
    before = _Errors.count
    with Image.open(BytesIO(data), formats=["TIFF"]) as image:
        image.load()
    return _Errors.count - before


LIBRARY = OptionalLibrary(_tried)
