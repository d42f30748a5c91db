"""Whether the aims keep their word: SSIMULACRA2 of the same picture in four formats, for each aim."""

from __future__ import annotations

import statistics
import subprocess
import tempfile
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

from PIL import Image

from converter.engine import Recipe, raster

from . import pictures
from .rivals import BUILD, HERE, PHOTOGRAPHS, install_environment, install_packages

PROMISED = {"small": 60, "balanced": 70, "near_identical": 82}
FORMATS = ("jpeg", "webp", "avif", "jxl")
_WIDTH, _PART = 1400, (384, 320)
_LEAST_DETAIL = 1.5  # bits of entropy: gradients score 98 at any quality
_APART = 8


class Judge:
    """The reference implementation in a process of its own."""

    def __init__(self) -> None:
        install_environment("ssimulacra2")
        command = [str(BUILD / "ssimulacra2/bin/python"), str(HERE / "judge.py")]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def score(self, first: Path, second: Path) -> float:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        print(first, second, sep="\t", file=self._process.stdin, flush=True)
        return float(self._process.stdout.readline())

    def close(self) -> None:
        self._process.communicate()


def parts() -> Iterator[Image.Image]:
    """Yield the middle of each picture of the package, shrunk as for a page, and of screenshots."""
    paths = sorted(
        path for path in PHOTOGRAPHS.glob("*/*") if path.is_file() and "Elephants_" not in path.name
    )
    for path in [*paths, pictures.screenshot(1920, 1080)]:
        with Image.open(path) as opened:
            image = opened.convert("RGB")
        if image.width > _WIDTH:
            image = image.resize(
                (_WIDTH, round(image.height * _WIDTH / image.width)), Image.Resampling.LANCZOS
            )
        left, top = (image.width - _PART[0]) // 2, (image.height - _PART[1]) // 2
        part = image.crop((left, top, left + _PART[0], top + _PART[1]))
        if part.convert("L").entropy() >= _LEAST_DETAIL:
            yield part


def judged(source: Path, judge: Judge, folder: Path) -> dict[str, list[float]]:
    """Return for each aim the scores in the order of `FORMATS`."""
    opened = raster.open(source.read_bytes())
    found: dict[str, list[float]] = {}
    for aim in PROMISED:
        for format in FORMATS:
            result = opened.render(Recipe.parse({"format": format, "aim": aim}))
            decoded = folder / "decoded.png"
            with Image.open(BytesIO(result.data)) as image:
                image.convert("RGB").save(decoded)
            found.setdefault(aim, []).append(judge.score(source, decoded))
    return found


def main() -> None:
    install_packages()
    judge = Judge()
    scores: dict[str, list[list[float]]] = {aim: [] for aim in PROMISED}
    with tempfile.TemporaryDirectory() as name:
        source = Path(name) / "source.png"
        for part in parts():
            part.save(source)
            for aim, found in judged(source, judge, Path(name)).items():
                scores[aim].append(found)
    judge.close()
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
