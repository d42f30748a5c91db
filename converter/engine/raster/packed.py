"""RGB images that stay in three bytes per pixel until Pillow needs its own four."""

from __future__ import annotations

from typing import Any

from PIL import Image

from .geometry import Size


class Packed(Image.Image):
    """An image that is unpacked when Pillow first needs its pixels."""

    def __init__(self, size: Size, samples: bytes | memoryview) -> None:
        super().__init__()
        self._mode, self._size = "RGB", size
        self._samples: Any = samples

    @property
    def samples(self) -> bytes | None:
        """The samples of all pixels, or None once Pillow has unpacked them."""
        if isinstance(self._samples, memoryview):
            self._samples = bytes(self._samples)
        found: bytes | None = self._samples
        return found

    def load(self) -> Any:
        if self._samples is not None:
            self.im = Image.frombuffer("RGB", self.size, self._samples, "raw", "RGB", 0, 1).im
            self._samples = None
        return super().load()

    def close(self) -> None:
        self._samples = None
        super().close()
