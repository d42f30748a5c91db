"""Read AVIF with its clean aperture (`clap`), which Pillow ignores, and with unchanged EXIF."""

from __future__ import annotations

from PIL import AvifImagePlugin, ImageFile

from .heif import aperture


class AvifImage(AvifImagePlugin.AvifImageFile):
    """Pillow's AVIF image, cropped to its clean aperture. Animations are not cropped, as in browsers."""

    format = "AVIF"

    def _open(self) -> None:
        super()._open()
        exif = self._decoder.get_info()[4]
        if exif:  # Pillow would change its orientation and replace non-ASCII characters by "?"
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
        """Seek to the offset of the tile. Pillow's own method does nothing, since its tiles begin at 0."""
        assert self.fp is not None
        self.fp.seek(pos)
