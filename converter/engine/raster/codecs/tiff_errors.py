"""Detect damage in CCITT compression (fax), which libtiff decodes all the same.

libtiff reports lines that it cannot decode to an error handler, which is set here through `ctypes` and tested
before use. If that fails, no errors are known. Pillow discards the warnings about lines of a wrong length.
"""

from __future__ import annotations

import ctypes
from ctypes import c_char_p, c_void_p
from io import BytesIO
from typing import Any

from PIL import Image, _imaging
from PIL.TiffImagePlugin import COMPRESSION, STRIPBYTECOUNTS, STRIPOFFSETS, TILEBYTECOUNTS, TILEOFFSETS

from .optional import OptionalLibrary, Unfit

_DECODERS = b"Fax"
"""The beginning of the decoders' names."""
_T6 = 4
_HOLE = bytes(8)


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
    """Return whether the current page has a run of zeros that is no code, as after a failed copy (T.6, 2.2)."""
    if tags.get(COMPRESSION) != _T6:
        return False
    for offsets, sizes in ((STRIPOFFSETS, STRIPBYTECOUNTS), (TILEOFFSETS, TILEBYTECOUNTS)):
        for start, size in zip(tags.get(offsets, ()), tags.get(sizes, ()), strict=False):
            at = data.find(_HOLE, start, start + size)
            if at >= 0 and data[at : start + size].strip(b"\0"):
                return True
    return False


def _tried() -> None:
    """Set the handler and test it. Raises Unfit."""
    try:
        # A handle to Pillow's module also resolves symbols of the libraries that it is linked with.
        library = ctypes.CDLL(_imaging.__file__)
        library.TIFFSetErrorHandlerExt(_handle)
        library.TIFFSetErrorHandler(None)  # it would print them
    except (OSError, AttributeError) as exc:
        raise Unfit(f"libtiff's error handler cannot be set: {exc}") from exc
    file = BytesIO()
    Image.linear_gradient("L").convert("1").save(file, "TIFF", compression="group4")
    intact, middle = file.getvalue(), file.tell() // 2
    damaged = intact[:middle] + b"\xff" * 16 + intact[middle + 16 :]
    if _errors_in(intact) or not _errors_in(damaged):
        raise Unfit("libtiff does not report errors")


def _errors_in(data: bytes) -> int:
    before = _Errors.count
    with Image.open(BytesIO(data), formats=["TIFF"]) as image:
        image.load()
    return _Errors.count - before


LIBRARY = OptionalLibrary(_tried)
