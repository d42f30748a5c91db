"""The visual score of a compressed picture, 100 for equal, by the package `ssimulacra2`."""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path
from types import TracebackType

from PIL import Image, ImageOps

from .rivals import BUILD, HERE, install_environment

_LEAST_SIDE = 256
"""Shorter sides leave less than eight pixels for the smallest of the six scales. Like libjxl's, the package then
omits it and applies the weights to the wrong scales and channels."""


class Judge:
    """The package in its own process and environment; use as a context manager."""

    def __enter__(self) -> Judge:
        install_environment("ssimulacra2")
        command = [str(BUILD / "ssimulacra2/bin/python"), str(HERE / "judge.py")]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self._folder = tempfile.TemporaryDirectory()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.communicate()
        self._folder.cleanup()

    def score(self, first: Image.Image, second: Image.Image) -> float:
        """Return the score of two opaque pictures of the same size."""
        paths = [Path(self._folder.name) / name for name in ("first.png", "second.png")]
        for path, image in zip(paths, (first, second), strict=True):
            continued(image.convert("RGB")).save(path, compress_level=1)
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        print(*paths, sep="\t", file=self._process.stdin, flush=True)
        return float(self._process.stdout.readline())


def continued(image: Image.Image) -> Image.Image:
    """Return the picture, extended with mirror images until both sides are long enough."""
    width, height = image.size
    if min(width, height) >= _LEAST_SIDE:
        return image
    if width < height:
        size, mirrored, place = (2 * width, height), ImageOps.mirror(image), (width, 0)
    else:
        size, mirrored, place = (width, 2 * height), ImageOps.flip(image), (0, height)
    both = Image.new(image.mode, size)
    both.paste(image)
    both.paste(mirrored, place)
    return continued(both)
