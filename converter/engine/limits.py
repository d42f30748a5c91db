"""How much of anything one image may cost."""

from __future__ import annotations

import time
from dataclasses import dataclass

from .errors import TimedOut, TooManyBytes, TooManyFrames, TooManyPixels


@dataclass(frozen=True)
class Limits:
    """Sizes in bytes, pixels and seconds. `memory_bytes` is enforced by whoever runs the engine."""

    max_bytes: int = 100_000_000
    max_pixels: int = 100_000_000
    max_side: int = 65_535  # more is in no camera; decoders keep some bytes for each row and column
    max_total_pixels: int = 200_000_000
    max_frames: int = 500
    seconds: float = 60
    memory_bytes: int = 2 * 1024**3
    max_output_side: int = 65_535
    max_output_pixels: int = 100_000_000

    def check_bytes(self, count: int) -> None:
        if count > self.max_bytes:
            raise TooManyBytes(
                f"This file has {megabytes(count)}; at most {megabytes(self.max_bytes)} are accepted. "
                "Send a smaller file."
            )

    def check_frames(self, count: int) -> None:
        if count > self.max_frames:
            raise TooManyFrames(
                f"This file has more than {self.max_frames} frames or pages, which is the most accepted. "
                "Split it first."
            )

    def check_pixels(self, width: int, height: int) -> None:
        if max(width, height) > self.max_side:
            raise TooManyPixels(
                f"This picture is {width}×{height}; at most {self.max_side} pixels a side are accepted. "
                "Make it smaller first."
            )
        if width * height > self.max_pixels:
            raise TooManyPixels(
                f"This picture is {width}×{height}; at most {megapixels(self.max_pixels)} are accepted. "
                "Make it smaller first."
            )

    def check_total_pixels(self, count: int) -> None:
        if count > self.max_total_pixels:
            raise TooManyPixels(
                f"The frames of this picture add up to {megapixels(count)}; "
                f"at most {megapixels(self.max_total_pixels)} are accepted. Send fewer or smaller frames."
            )

    def check_output(self, width: int, height: int) -> None:
        if max(width, height) > self.max_output_side or width * height > self.max_output_pixels:
            raise TooManyPixels(
                f"The result would be {width}×{height}; at most {self.max_output_side} pixels a side "
                f"and {megapixels(self.max_output_pixels)} in all are made. Ask for a smaller size."
            )


DEFAULT_LIMITS = Limits()


class Deadline:
    """Says between steps whether the time is up; what hangs inside a codec is ended from outside."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._end = time.monotonic() + seconds

    def check(self) -> None:
        if time.monotonic() > self._end:
            raise TimedOut(
                f"This picture took longer than {self._seconds:g} seconds. Ask for a smaller or simpler result."
            )


def megapixels(count: int) -> str:
    return f"{count / 1_000_000:g} megapixels"


def megabytes(count: int) -> str:
    return f"{count / 1_000_000:.1f} MB"
