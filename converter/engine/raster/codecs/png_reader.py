"""PNGs of eight bits, read by the Rust crate `png` in a third of the time that Pillow takes.

Whatever it declines, damaged files too, Pillow reads or refuses.
"""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO
from typing import Any

from PIL import Image

from .optional import OptionalLibrary, Unfit
from .png_chunks import chunks

MOST_PIXELS = 25_000_000
"""Above these Pillow saves the copy of three bytes a pixel that the crate hands over."""

_MODES = {b"\x08\x00": "L", b"\x08\x02": "RGB", b"\x08\x06": "RGBA"}
"""By depth and type of colour (PNG, third edition, 11.2.1)."""
_DECODED_APART = (b"tRNS", b"acTL")

Decode = Callable[[bytes, str], Any]


def read(data: bytes, size: tuple[int, int]) -> Image.Image | None:
    """Return the picture of a whole PNG of 8 bits a channel; None where Pillow should read it.

    `size` is what the header says, in pixels.
    """
    mode = _MODES.get(data[24:26])
    if mode is None or size[0] * size[1] > MOST_PIXELS:
        return None
    if any(chunk.kind in _DECODED_APART for chunk in chunks(data)):
        return None
    try:
        pixels: Any = memoryview(DECODER.get()(data, mode)).cast("B")
    except BaseException as exc:
        if not _is_refusal(exc):
            raise
        return None
    return Image.frombuffer(mode, size, pixels, "raw", mode, 0, 1)


def _is_refusal(exc: BaseException) -> bool:
    """Whether the library refused the file; a panic of Rust is no Exception."""
    return isinstance(exc, Exception) or type(exc).__name__ == "PanicException"


def _tried() -> Decode:
    """Raises Unfit."""
    try:
        import kornia_rs
    except ImportError as exc:
        raise Unfit(f"{exc.name} is not installed") from exc
    decode: Decode = kornia_rs.image.Image.decode
    try:
        right = all(_is_right(decode, mode) for mode in _MODES.values())
    except BaseException as exc:
        if not _is_refusal(exc):
            raise
        raise Unfit(f"kornia-rs cannot be used on this processor: {exc}") from exc
    if not right:
        raise Unfit("kornia-rs reads other pixels on this processor")
    return decode


DECODER = OptionalLibrary(_tried)


def _is_right(decode: Decode, mode: str) -> bool:
    """Whether it reads a known picture, whose rows have several filters."""
    ramp = Image.linear_gradient("L").resize((61, 40))
    turned = (ramp.rotate(turn, expand=False) for turn in (0, 90, 180, 270))
    known = Image.merge(mode, [next(turned) for _ in Image.new(mode, (1, 1)).getbands()])
    file = BytesIO()
    known.save(file, "PNG")
    return bytes(memoryview(decode(file.getvalue(), mode)).cast("B")) == known.tobytes()
