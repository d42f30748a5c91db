"""Decode 8-bit PNGs with the Rust crate `png`, in a third of the time that Pillow takes.

Files that it rejects, including damaged ones, are left to Pillow.
"""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO
from itertools import takewhile
from typing import Any

from PIL import Image

from converter.engine.raster.packed import Packed

from .optional import OptionalLibrary, Unfit
from .png_chunks import Chunk, chunks

MOST_PIXELS = 25_000_000
"""The maximum number of pixels. Pillow needs no copy of the pixels, which saves memory in larger images."""

_MODES = {b"\x08\x00": "L", b"\x08\x02": "RGB", b"\x08\x06": "RGBA"}
"""Pillow's modes by bit depth and colour type (PNG, third edition, 11.2.1)."""
_LAYOUTS = {"L": "mono", "RGB": "rgb", "RGBA": "rgba"}
"""The library's names of these modes."""
_DECODED_APART = (b"tRNS", b"acTL")

Decode = Callable[[bytes, tuple[int, int], str], Any]
"""The library's function for data, height and width, and layout."""


def read(data: bytes, size: tuple[int, int]) -> Image.Image | None:
    """Decode a PNG with 8 bits per channel, or return None if Pillow should decode it.

    `size` is the size in pixels from the header.
    """
    mode = _MODES.get(data[24:26])
    if mode is None or size[0] * size[1] > MOST_PIXELS:
        return None
    if any(chunk.kind in _DECODED_APART for chunk in takewhile(_is_before_pixels, chunks(data))):
        return None
    try:
        pixels = _decoded(DECODER.get(), data, size, mode)
    except BaseException as exc:
        if not _is_refusal(exc):
            raise
        return None
    if mode == "RGB":
        return Packed(size, pixels)
    samples: Any = pixels
    return Image.frombuffer(mode, size, samples, "raw", mode, 0, 1)


def _is_before_pixels(chunk: Chunk) -> bool:
    return chunk.kind != b"IDAT"


def _decoded(decode: Decode, data: bytes, size: tuple[int, int], mode: str) -> memoryview:
    """Return the samples. This function of the library returns them without a copy, unlike `Image.decode`."""
    return memoryview(decode(data, size[::-1], _LAYOUTS[mode])).cast("B")


def _is_refusal(exc: BaseException) -> bool:
    """Return whether the library rejected the file. A Rust panic is not a subclass of Exception."""
    return isinstance(exc, Exception) or type(exc).__name__ == "PanicException"


def _tried() -> Decode:
    """Return the decode function after a test. Raises Unfit."""
    try:
        import kornia_rs
    except ImportError as exc:
        raise Unfit(f"{exc.name} is not installed") from exc
    decode: Decode = kornia_rs.io.decode_image_png_u8
    try:
        right = all(_is_right(decode, mode) for mode in _MODES.values())
    except BaseException as exc:
        if not _is_refusal(exc):
            raise
        raise Unfit(f"kornia-rs cannot be used on this processor: {exc}") from exc
    if not right:
        raise Unfit("kornia-rs decodes wrong pixels on this processor")
    return decode


DECODER = OptionalLibrary(_tried)


def _is_right(decode: Decode, mode: str) -> bool:
    """Return whether it correctly decodes a test image whose rows have several filters."""
    ramp = Image.linear_gradient("L").resize((61, 40))
    turned = (ramp.rotate(turn, expand=False) for turn in (0, 90, 180, 270))
    known = Image.merge(mode, [next(turned) for _ in Image.new(mode, (1, 1)).getbands()])
    file = BytesIO()
    known.save(file, "PNG")
    return _decoded(decode, file.getvalue(), known.size, mode) == known.tobytes()
