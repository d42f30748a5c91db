"""Limits for one image: bytes, pixels, frames and seconds."""

from __future__ import annotations

import time
from dataclasses import dataclass

from .errors import TimedOut, TooManyBytes, TooManyFrames, TooManyPixels


@dataclass(frozen=True)
class Limits:
    """Limits in bytes, pixels and seconds. `memory_bytes` is enforced by the process that runs the engine."""

    max_bytes: int = 100_000_000
    max_pixels: int = 100_000_000
    max_side: int = 65_535  # more than any camera has; decoders need memory for each row and column
    max_total_pixels: int = 200_000_000
    max_frames: int = 500
    seconds: float = 60
    memory_bytes: int = 2 * 1024**3
    max_output_side: int = 65_535
    max_output_pixels: int = 100_000_000
    # For a document joined from many images, which are decoded one after the other.
    max_document_bytes: int = 300_000_000
    max_document_pixels: int = 1_000_000_000
    document_seconds: float = 240

    def check_document(self, size: int, pixels: int, pages: int) -> None:
        """Check the totals of a document. `size` is the total size of its images, or of its pages."""
        if size > self.max_document_bytes:
            raise TooManyBytes(kind="document", most=self.max_document_bytes)
        if pixels > self.max_document_pixels:
            raise TooManyPixels(kind="document", pixels=pixels, most=self.max_document_pixels)
        if pages > self.max_frames:
            raise TooManyFrames(kind="document", most=self.max_frames)

    def check_bytes(self, count: int) -> None:
        if count > self.max_bytes:
            raise TooManyBytes(size=count, most=self.max_bytes)

    def check_frames(self, count: int) -> None:
        if count > self.max_frames:
            raise TooManyFrames(most=self.max_frames)

    def check_pixels(self, width: int, height: int) -> None:
        if max(width, height) > self.max_side:
            raise TooManyPixels(kind="side", width=width, height=height, most=self.max_side)
        if width * height > self.max_pixels:
            raise TooManyPixels(kind="image", width=width, height=height, most=self.max_pixels)

    def check_total_pixels(self, count: int) -> None:
        if count > self.max_total_pixels:
            raise TooManyPixels(kind="frames", pixels=count, most=self.max_total_pixels)

    def check_output(self, width: int, height: int) -> None:
        if max(width, height) > self.max_output_side or width * height > self.max_output_pixels:
            raise TooManyPixels(
                kind="result",
                width=width,
                height=height,
                side=self.max_output_side,
                most=self.max_output_pixels,
            )


DEFAULT_LIMITS = Limits()

_FOR_THE_REST = 1 / 4


class Deadline:
    """A time limit that is checked between steps. A codec that hangs is killed by the parent process."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._end = time.monotonic() + seconds

    def leaves(self, seconds: float) -> bool:
        """Return whether this much time is left, besides a reserve for finishing the image."""
        return time.monotonic() + seconds < self._end - self._seconds * _FOR_THE_REST

    def check(self) -> None:
        if time.monotonic() > self._end:
            raise TimedOut(seconds=self._seconds)
