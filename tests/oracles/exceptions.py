"""Cases where a reference decoder differs and we are right, and why; at most 15. All others are faults."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple


class Known(NamedTuple):
    cases: str
    """A regular expression for the case names."""
    witness: str
    why: str


EXCEPTIONS: Sequence[Known] = (
    Known(r"tiff-white0gray(2|4|10|12|14|32)-", "magick", "it does not invert min-is-white at these depths"),
    Known(r"tiff-.*\dx", "magick|vips", "TIFF 6.0: an unspecified extra sample is not alpha"),
    Known(
        r"tiff-gray\d+\w+-.*planar",
        "magick|vips",
        "they take the planes of grey and alpha for one after the other",
    ),
    Known(
        r"webp-.*-alpha-untold",
        "chromium",
        "the header denies the alpha that the frames have; these are believed",
    ),
    Known(r"avif-RGBA-", "chromium", "it takes the alpha of full range for that of video; libvips does not"),
    Known(r"tiff-lab", "magick", "its matrix is not adapted to the white of D50"),
)


def excused(case: str, witness: str) -> bool:
    return any(re.match(known.cases, case) and re.fullmatch(known.witness, witness) for known in EXCEPTIONS)
