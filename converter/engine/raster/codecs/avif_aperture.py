"""AVIF with a clean aperture (`clap`), which Pillow ignores, and with its EXIF as it is in the file."""

from __future__ import annotations

from PIL import AvifImagePlugin, ImageFile

from .heif import aperture


class AvifImage(AvifImagePlugin.AvifImageFile):
    """Pillow's image, cropped to its clean aperture; animation frames are shown whole, as in browsers."""

    format = "AVIF"

    def _open(self) -> None:
        super()._open()
        exif = self._decoder.get_info()[4]
        if exif:  # Pillow rewrites it with another orientation, and letters beyond ASCII as question marks
            self.info["exif"] = exif
        if self.is_animated:
            return
        assert self.fp is not None
        self.fp.seek(0)
        shown = aperture(self.fp.read(), self.size)
        if shown is None:
            return
        left, top, right, bottom = shown
        pixel = len(self.getbands())
        row = pixel * self.width
        self._size = (right - left, bottom - top)
        self.tile = [
            ImageFile._Tile("raw", (0, 0, *self.size), top * row + left * pixel, (self.mode, row, 1))
        ]

    def load_seek(self, pos: int) -> None:
        """Go to where the part begins; Pillow's own images always begin at 0, so it does nothing here."""
        assert self.fp is not None
        self.fp.seek(pos)
