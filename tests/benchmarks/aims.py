"""Check the aims: SSIMULACRA2 of the same picture in four formats, for each aim."""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from io import BytesIO
from itertools import chain

from PIL import Image

from converter.engine import Recipe, raster

from . import pictures
from .judge import Judge
from .rivals import PHOTOGRAPHS, install_packages

PROMISED = {"small": 60, "balanced": 70, "near_identical": 82}
FORMATS = ("jpeg", "webp", "avif", "jxl")
_WIDTH, _PART = 1400, (384, 320)
_LEAST_DETAIL = 1.5  # bits of entropy: gradients score 98 at any quality
_APART = 8


def photographs() -> Iterator[Image.Image]:
    """Yield each picture of the package, except the one that it has in several sizes."""
    for path in sorted(PHOTOGRAPHS.glob("*/*")):
        if path.is_file() and "Elephants_" not in path.name:
            with Image.open(path) as opened:
                yield opened.convert("RGB")


def parts() -> Iterator[Image.Image]:
    """Yield the middle of each picture of the package, reduced as for a web page, and of screenshots."""
    with Image.open(pictures.screenshot(1920, 1080)) as opened:
        screenshot = opened.convert("RGB")
    for image in chain(photographs(), [screenshot]):
        if image.width > _WIDTH:
            image = image.resize(
                (_WIDTH, round(image.height * _WIDTH / image.width)), Image.Resampling.LANCZOS
            )
        left, top = (image.width - _PART[0]) // 2, (image.height - _PART[1]) // 2
        part = image.crop((left, top, left + _PART[0], top + _PART[1]))
        if part.convert("L").entropy() >= _LEAST_DETAIL:
            yield part


def judged(part: Image.Image, judge: Judge) -> dict[str, list[float]]:
    """Return the scores for each aim, in the order of `FORMATS`."""
    source = BytesIO()
    part.save(source, "PNG")
    opened = raster.open(source.getvalue())
    found: dict[str, list[float]] = {}
    for aim in PROMISED:
        for format in FORMATS:
            result = opened.render(Recipe.parse({"format": format, "aim": aim}))
            with Image.open(BytesIO(result.data)) as image:
                found.setdefault(aim, []).append(judge.score(part, image))
    return found


def main() -> None:
    install_packages()
    scores: dict[str, list[list[float]]] = {aim: [] for aim in PROMISED}
    with Judge() as judge:
        for part in parts():
            for aim, found in judged(part, judge).items():
                scores[aim].append(found)
    print(f"SSIMULACRA2 of {len(scores['small'])} pictures as {', '.join(FORMATS)}\n")
    print("| aim | target | mean | worst | on target | formats within ±4 |")
    print("| --- | --- | --- | --- | --- | --- |")
    for aim, promised in PROMISED.items():
        every = [score for found in scores[aim] for score in found]
        kept = statistics.mean(score >= promised for score in every)
        alike = statistics.mean(max(found) - min(found) <= _APART for found in scores[aim])
        print(
            f"| {aim} | {promised} | {statistics.mean(every):.1f} | {min(every):.1f} | {kept:.0%} | {alike:.0%} |"
        )


if __name__ == "__main__":
    main()
