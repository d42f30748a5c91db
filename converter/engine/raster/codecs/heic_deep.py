"""Decode HEIC images of more than 8 bits per channel, of which libheif's Pillow plugin returns only 8."""

from __future__ import annotations

from io import BytesIO
from math import prod
from typing import Any

import numpy as np
import pillow_heif
from PIL import Image

from converter.engine.raster.octets import LOW, parted
from converter.engine.raster.room import check_room

_MODES = {"I": "L", "L": "L", "LA": "LA", "RGB": "RGB", "RGBA": "RGBA"}
"""Pillow's modes by libheif's; premultiplied colours are left to the plugin."""
_ROOM = 9
"""Bytes per sample while decoding: at most 8.9 measured, for 4:4:4 with alpha."""


def loaded(data: bytes, number: int) -> Image.Image | None:
    """Return an image with the higher bytes of its samples, and the lower ones in `info`.

    Returns None if it has only 8 bits, or if there is not enough memory.
    """
    image = pillow_heif.open_heif(BytesIO(data), convert_hdr_to_8bit=False)[number]
    held, _, bits = image.mode.partition(";")
    mode = _MODES.get(held)
    if bits != "16" or mode is None:
        return None
    try:
        check_room(_ROOM * prod(image.size) * len(mode))
        return _halved(image, mode)
    except MemoryError:
        return None


def _halved(image: pillow_heif.HeifImage, mode: str) -> Image.Image:
    high, low = parted(_filled(image), mode, image.size, "little")
    high.info[LOW] = low
    return high


def _filled(image: pillow_heif.HeifImage) -> bytes:
    """Return the samples, which fill the upper bits, with these repeated below: the highest value is 65,535."""
    samples: Any = np.frombuffer(image.data, "<u2")
    bits: Any = image.info["bit_depth"]
    full = samples >> np.uint16(bits)
    full |= samples
    return bytes(full.tobytes())
