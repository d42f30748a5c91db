"""Measure what quality modes and `auto` cost: CPU time divided by that of a fixed quality in the same format."""

from __future__ import annotations

import os
import statistics
import sys
from collections.abc import Mapping
from pathlib import Path

from converter.engine import raster

from . import pictures
from .gallery import gallery
from .rivals import OURS, Order, Worker, install_packages

FORMATS = ("jpeg", "webp", "avif", "jxl")
AIMS = ("small", "balanced", "near_identical")
_PHOTOS = ("Bridge", "Dragonfly", "Wine", "friends", "life", "picosdeeuropa", "seeding", "sunset", "umang")
_PIXELS = 12_000_000
_PAIRS = 2


def photos() -> dict[str, Path]:
    """Return each photo as stored by a camera."""
    found = {}
    for name, image in gallery():
        photo = name.partition("_")[0]
        if photo in _PHOTOS:
            found[photo] = pictures.as_photo(f"{photo}-12mp.jpg", image, _PIXELS)
    return found


def ratio(worker: Worker, source: Path, format: str, wanted: Mapping[str, str]) -> float:
    """Return the time of the recipe with `wanted`, divided by that of a fixed quality."""
    fixed = Order(source, format)
    found: list[float] = [
        worker.ask(fixed, **wanted)["seconds"] / worker.ask(fixed)["seconds"] for _ in range(_PAIRS)
    ]
    return statistics.median(found)


def chosen(worker: Worker, source: Path) -> str:
    """Return the format that `auto` chooses."""
    path = pictures.FOLDER / "chosen"
    worker.ask(Order(source, "auto"), out=str(path))
    return raster.probe(path.read_bytes()).format


def shown(ratios: list[float]) -> str:
    return " · ".join(f"{one:.1f}" for one in sorted(ratios))


def main() -> None:
    install_packages()
    sources = photos()
    print(f"CPU time relative to a fixed quality, for each of {len(sources)} photos of 12 megapixels\n")
    print("| | " + " | ".join(AIMS) + " |")
    print("| --- " * (1 + len(AIMS)) + "|")
    with Worker(OURS, {max(os.sched_getaffinity(0))}) as worker:
        for format in sys.argv[1:] or FORMATS:
            cells = [
                shown([ratio(worker, source, format, {"aim": aim}) for source in sources.values()])
                for aim in AIMS
            ]
            print(f"| {format} | {' | '.join(cells)} |", flush=True)
        print("\nauto:")
        for name, source in sources.items():
            format = chosen(worker, source)
            print(f"{name}: {format}, {ratio(worker, source, format, {'format': 'auto'}):.1f}", flush=True)


if __name__ == "__main__":
    main()
