"""Check the aims: SSIMULACRA2 of the same picture in four formats, for each aim.

With `large`, pictures of two to twelve megapixels are judged as a whole.
"""

from __future__ import annotations

import statistics
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO

from PIL import Image

from converter.engine import Limits, Recipe, raster

from .gallery import gallery
from .judge import Judge
from .rivals import install_packages

PROMISED = {"small": 60, "balanced": 70, "near_identical": 82}
FORMATS = ("jpeg", "webp", "avif", "jxl")
_WIDTH, _PART = 1400, (384, 320)
_LEAST_DETAIL = 1.5  # bits of entropy: gradients score 98 at any quality
_APART = 8
_LARGE, _LARGEST = 2_000_000, 12_000_000  # pixels
_EVERY = 4  # the judge takes two seconds per megapixel
_LIMITS = Limits(seconds=900)  # the machine may be busy


@dataclass(frozen=True)
class Judged:
    """A result: the score by the judge, and whether the report says that the aim was missed."""

    name: str
    aim: str
    format: str
    score: float
    told: bool

    @property
    def is_on_target(self) -> bool:
        return self.score >= PROMISED[self.aim]


def parts() -> Iterator[tuple[str, Image.Image]]:
    """Yield the middle of each picture that has some detail there, reduced as for a web page."""
    for name, image in gallery():
        if image.width > _WIDTH:
            image = image.resize(
                (_WIDTH, round(image.height * _WIDTH / image.width)), Image.Resampling.LANCZOS
            )
        width, height = min(_PART[0], image.width), min(_PART[1], image.height)
        left, top = (image.width - width) // 2, (image.height - height) // 2
        part = image.crop((left, top, left + width, top + height))
        if part.convert("L").entropy() >= _LEAST_DETAIL:
            yield name, part


def large() -> Iterator[tuple[str, Image.Image]]:
    """Yield every fourth large picture, reduced to twelve megapixels if it is larger."""
    found = ((name, image) for name, image in gallery() if image.width * image.height > _LARGE)
    for number, (name, image) in enumerate(found):
        if number % _EVERY == 0:
            scale = min(1.0, (_LARGEST / (image.width * image.height)) ** 0.5)
            size = (int(image.width * scale), int(image.height * scale))
            yield name, image.resize(size, Image.Resampling.LANCZOS) if scale < 1 else image


def judged(name: str, picture: Image.Image, judge: Judge) -> Iterator[Judged]:
    source = BytesIO()
    picture.save(source, "PNG", compress_level=1)
    opened = raster.open(source.getvalue(), _LIMITS)
    for aim in PROMISED:
        for format in FORMATS:
            result = opened.render(Recipe.parse({"format": format, "aim": aim}))
            told = any(warning.code == "aim_missed" for warning in result.report.warnings)
            with Image.open(BytesIO(result.data)) as image:
                yield Judged(name, aim, format, judge.score(picture, image), told)


def main(arguments: list[str]) -> None:
    install_packages()
    every: list[list[Judged]] = []
    with Judge() as judge:
        for name, picture in large() if arguments == ["large"] else parts():
            every.append(list(judged(name, picture, judge)))
            for one in every[-1]:
                if not one.is_on_target:
                    said = "as reported" if one.told else "not reported"
                    print(f"{one.name} as {one.format}, {one.aim}: {one.score:.2f}, {said}", file=sys.stderr)
    print(f"SSIMULACRA2 of {len(every)} pictures as {', '.join(FORMATS)}\n")
    print("| aim | target | mean | worst | on target | formats within ±4 |")
    print("| --- | --- | --- | --- | --- | --- |")
    for aim, promised in PROMISED.items():
        scores = [[one.score for one in picture if one.aim == aim] for picture in every]
        flat = [score for found in scores for score in found]
        kept = statistics.mean(score >= promised for score in flat)
        alike = statistics.mean(max(found) - min(found) <= _APART for found in scores)
        print(
            f"| {aim} | {promised} | {statistics.mean(flat):.1f} | {min(flat):.1f} | {kept:.0%} | {alike:.0%} |"
        )


if __name__ == "__main__":
    main(sys.argv[1:])
