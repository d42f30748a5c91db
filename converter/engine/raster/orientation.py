"""How EXIF says that a picture is to be turned."""

from __future__ import annotations

from PIL import ExifTags, Image
from PIL.TiffImagePlugin import TiffImageFile

_ORIENTATION = ExifTags.Base.Orientation


def orientation(image: Image.Image) -> int:
    """Return the EXIF orientation, 1 to 8; nonsense is 1, and XMP alone turns nothing, as in browsers."""
    try:
        value = Image.Image.getexif(image).get(_ORIENTATION, 1)
        if value != 1 and not _is_in_exif(image):
            return 1
    except Exception:
        # Pillow's EXIF parser raises whatever its arithmetic runs into: a damaged block says nothing.
        return 1
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


def _is_in_exif(image: Image.Image) -> bool:
    """Whether EXIF itself has it; to what Pillow returns, it adds that of XMP."""
    if isinstance(image, TiffImageFile):
        return _ORIENTATION in image.tag_v2
    if "exif" not in image.info:
        return "Raw profile type exif" in image.info
    block = Image.Exif()
    block.load(image.info["exif"])
    return _ORIENTATION in block
