"""Compare our formats with our WebP at equal visual quality: bytes and time at two SSIMULACRA2 scores."""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO

from PIL import Image

from converter.engine import FORMATS, Recipe, raster

from .engines import geometric_mean
from .gallery import photographs
from .judge import Judge

SCORES = (80, 86)
_NAMES = ("webp", "jpeg", "avif", "jxl")
_SIDE = 1000
_COUNT = 6
_LEAST_DETAIL = 6.0  # bits of entropy, as in photos
_RUNS = 5
_FIRST_GUESS, _SLOPE = 80, 0.7
_MOST_TRIES = 6


@dataclass(frozen=True)
class Found:
    quality: int
    size: int
    score: float


def sources() -> list[Image.Image]:
    """Return photos, 1000 pixels wide."""
    found = []
    for photo in photographs():
        small = photo.resize((_SIDE, round(photo.height * _SIDE / photo.width)), Image.Resampling.LANCZOS)
        if small.convert("L").entropy() >= _LEAST_DETAIL:
            found.append(small)
    return found[:_COUNT]


def nearest(source: raster.Source, image: Image.Image, format: str, wanted: float, judge: Judge) -> Found:
    """Return the result whose score is nearest to the wanted one."""
    tried: dict[int, Found] = {}
    low, high, quality, slope = 1, 100, _FIRST_GUESS, _SLOPE
    for _ in range(_MOST_TRIES):
        data = rendered(source, format, quality)
        with Image.open(BytesIO(data)) as made:
            tried[quality] = found = Found(quality, len(data), judge.score(image, made))
        low, high = (quality + 1, high) if found.score < wanted else (low, quality - 1)
        if low > high:
            break
        others = [other for other in tried.values() if other is not found]
        if others:
            slope = max(0.2, (found.score - others[-1].score) / (quality - others[-1].quality))
        quality = max(low, min(high, quality + round((wanted - found.score) / slope)))
    return min(tried.values(), key=lambda found: abs(found.score - wanted))


def rendered(source: raster.Source, format: str, quality: int) -> bytes:
    return source.render(Recipe.parse({"format": format, "quality": quality})).data


def seconds(source: raster.Source, qualities: Sequence[tuple[str, int]]) -> list[float]:
    """Return the CPU time of each encode without decoding, as the median of interleaved runs."""
    times: list[list[float]] = [[] for _ in qualities]
    for _ in range(_RUNS):
        for taken, (format, quality) in zip(times, qualities, strict=True):
            start = time.process_time()
            rendered(source, format, quality)
            taken.append(time.process_time() - start)
    return [statistics.median(taken) for taken in times]


def main() -> None:
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    names = [name for name in _NAMES if name in FORMATS]
    images = sources()
    print(
        f"{len(images)} photographs of {_SIDE} pixels, against our WebP: bytes · time · SSIMULACRA2 reached\n"
    )
    print("| | " + " | ".join(f"at {score}" for score in SCORES) + " |")
    print("| --- |" + " --- |" * len(SCORES))
    cells: dict[str, list[str]] = {name: [] for name in names}
    with Judge() as judge:
        for score in SCORES:
            found, times = [], []
            for image in images:
                file = BytesIO()
                image.save(file, "PNG")
                source = raster.open(file.getvalue())
                found.append([nearest(source, image, name, score, judge) for name in names])
                pairs = [(name, one.quality) for name, one in zip(names, found[-1], strict=True)]
                times.append(seconds(source, pairs))
            for number, name in enumerate(names):
                size = geometric_mean([row[number].size / row[0].size for row in found])
                taken = geometric_mean([row[number] / row[0] for row in times])
                reached = statistics.mean(row[number].score for row in found)
                cells[name].append(f"{size:.2f} · {taken:.2f} · {reached:.1f}")
    for name in names:
        print(f"| {FORMATS[name].label} | " + " | ".join(cells[name]) + " |")


if __name__ == "__main__":
    main()
