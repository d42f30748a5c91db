"""The EXIF orientation of a picture."""

from __future__ import annotations

from collections.abc import Mapping

from PIL import ExifTags, Image
from PIL.TiffImagePlugin import TiffImageFile

_ORIENTATION = ExifTags.Base.Orientation

TURNS: Mapping[int, Image.Transpose] = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""How to turn a picture upright, by its orientation."""


def orientation(image: Image.Image) -> int:
    """Return the EXIF orientation, 1 to 8; 1 if invalid. XMP's is ignored, as in browsers."""
    try:
        value = Image.Image.getexif(image).get(_ORIENTATION, 1)
        if value != 1 and not _is_in_exif(image):
            return 1
    except Exception:
        # Pillow's EXIF parser may raise anything: treat a damaged block as empty.
        return 1
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


def _is_in_exif(image: Image.Image) -> bool:
    """Whether EXIF itself holds the orientation; Pillow adds that of XMP to the EXIF it returns."""
    if isinstance(image, TiffImageFile):
        return _ORIENTATION in image.tag_v2
    if "exif" not in image.info:
        return "Raw profile type exif" in image.info
    block = Image.Exif()
    block.load(image.info["exif"])
    return _ORIENTATION in block
