"""Hand the pixels of a picture to an encoder."""

from __future__ import annotations

from PIL import Image, ImageFile

from .packed import Packed


def interleaved(image: Image.Image) -> bytes:
    """Return the samples of all pixels with a single copy.

    `tobytes` collects pieces of MAXBLOCK bytes and joins them. The encoder for JPEG sets it to more than the
    pixels, so that every piece of a few rows would allocate a new buffer of that size.
    """
    if isinstance(image, Packed) and (samples := image.samples):
        return samples
    usual = ImageFile.MAXBLOCK
    ImageFile.MAXBLOCK = len(image.getbands()) * image.width * image.height
    try:
        return image.tobytes()
    finally:
        ImageFile.MAXBLOCK = usual
