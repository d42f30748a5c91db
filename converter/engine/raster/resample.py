"""Lanczos resampling: with a SIMD library if it is installed, else with Pillow.

Both round to 8 bits between their two passes, but run the passes in a different order, so single pixels at
hard edges differ; neither is closer to the exact filter.
"""

from __future__ import annotations

from PIL import Image

from .geometry import Box, Size
from .packed import Packed
from .room import check_room

try:
    import cykooz_resizer as fast
except ImportError:  # it has no wheel for this machine
    fast = None

# Modes supported without conversion. RGBA is weighted by alpha, as in Pillow.
_FAST_MODES = ("L", "RGB", "RGBA")

# Above this ratio Pillow first reduces with a cheap box average, without a visible difference (measured by
# SSIM).
_REDUCING_GAP = 2.0

_SPARE = 4 * 2**20


def resampled(image: Image.Image, box: Box, size: Size) -> Image.Image:
    """Resample a box of the picture to this size."""
    left, top, right, bottom = box
    # Rounding errors may move the box slightly beyond the edge, which both libraries reject.
    box = (max(0.0, left), max(0.0, top), min(right, image.width), min(bottom, image.height))
    if fast is None or image.mode not in _FAST_MODES:
        return image.resize(size, Image.Resampling.LANCZOS, box=box, reducing_gap=_REDUCING_GAP)
    if isinstance(image, Packed) and image.samples is not None:
        return _packed(image, image.samples, box, size)
    made = Image.new(image.mode, size)
    check_room(_for_first_pass(image, size))  # the Rust library aborts the process when out of memory
    fast.Resizer().resize_pil(image, made, _lanczos(box))
    return made


def _packed(image: Packed, samples: bytes, box: Box, size: Size) -> Packed:
    copies = 3 * (image.width * image.height + size[0] * size[1])
    check_room(_for_first_pass(image, size) + copies)
    source = fast.ImageData(*image.size, fast.PixelType.U8x3, samples)
    made = fast.ImageData(*size, fast.PixelType.U8x3)
    fast.Resizer().resize(source, made, _lanczos(box))
    return Packed(size, made.get_buffer())


def _lanczos(box: Box) -> fast.ResizeOptions:
    left, top, right, bottom = box
    return fast.ResizeOptions(
        resize_alg=fast.ResizeAlg.convolution(fast.FilterType.lanczos3),
        crop_box=fast.CropBox(left, top, right - left, bottom - top),
    )


def _for_first_pass(image: Image.Image, size: Size) -> int:
    """Return the maximum number of bytes for the result of the first pass."""
    between = max(image.width * size[1], size[0] * image.height)
    if image.mode == "RGBA":
        between += image.width * image.height  # weighted by alpha
    return (1 if image.mode == "L" else 4) * between + _SPARE
