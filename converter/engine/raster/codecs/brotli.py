"""Measure Brotli streams by calling the decoder that Pillow's FreeType is linked with through `ctypes`.

libjxl decompresses metadata of any length: 800 bytes can stand for a gigabyte. The library is tested before use.
Without it, such metadata is only limited by time and memory.
"""

from __future__ import annotations

import ctypes
from ctypes import POINTER, byref, c_char_p, c_int, c_size_t, c_void_p

from .optional import OptionalLibrary, Unfit, linked_with

_NEEDS_MORE_OUTPUT = 3
_THOUSAND_ZEROS = bytes.fromhex("1be703f82700a2b1402034")


def is_longer(stream: bytes, most: int) -> bool:
    """Return whether a stream, up to its end or the first error, holds more bytes. False without the library."""
    try:
        return LIBRARY.get().length(stream, most) > most
    except Unfit:
        return False


class _BrotliDecoder:
    """The functions of libbrotlidec."""

    def __init__(self, library: ctypes.CDLL) -> None:
        self._create, self._destroy = (
            library.BrotliDecoderCreateInstance,
            library.BrotliDecoderDestroyInstance,
        )
        self._decompress, self._take = library.BrotliDecoderDecompressStream, library.BrotliDecoderTakeOutput
        self._create.argtypes, self._create.restype = [c_void_p] * 3, c_void_p
        self._destroy.argtypes, self._destroy.restype = [c_void_p], None
        sizes, pointers = POINTER(c_size_t), POINTER(c_char_p)
        self._decompress.argtypes = [c_void_p, sizes, pointers, sizes, c_void_p, c_void_p]
        self._decompress.restype = c_int
        self._take.argtypes, self._take.restype = [c_void_p, sizes], c_void_p

    def length(self, stream: bytes, most: int) -> int:
        """Return the decompressed length, or a length above `most`. Raises MemoryError."""
        state = self._create(None, None, None)
        if not state:
            raise MemoryError
        left, at, room, taken, length = c_size_t(len(stream)), c_char_p(stream), c_size_t(0), c_size_t(0), 0
        try:
            while length <= most:
                result = self._decompress(state, byref(left), byref(at), byref(room), None, None)
                self._take(state, byref(taken))
                length += taken.value
                taken.value = 0  # take all there is
                if result != _NEEDS_MORE_OUTPUT:
                    break
            return length
        finally:
            self._destroy(state)


def _tried() -> _BrotliDecoder:
    """Return the library after a test. Raises Unfit."""
    try:
        library = _BrotliDecoder(linked_with("_imagingft"))
        length = library.length(_THOUSAND_ZEROS, 10_000)
    except (ImportError, OSError, AttributeError) as exc:
        raise Unfit(f"Pillow's Brotli cannot be called: {exc}") from exc
    if length != 1_000:
        raise Unfit("Pillow's Brotli, called directly, returns another length")
    return library


LIBRARY = OptionalLibrary(_tried)
