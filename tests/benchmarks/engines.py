"""Compare the engine with sharp, ImageMagick and thumbor's Pillow engine.

Every engine stays loaded, reads the same bytes and uses its own defaults; for lossy formats each rival gets the quality
at which its result has our SSIMULACRA2 score. Runs alternate, and a ratio is the median of the ratios of neighbouring
runs. On one core, time is processor time, which a busy machine affects least.
"""

from __future__ import annotations

import argparse
import math
import os
import statistics
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from . import pictures
from .judge import Judge
from .rivals import OURS, RIVALS, Order, Rival, Worker, install
from .similarity import Reference

# Our default quality by format.
_LOSSY = {"jpeg": 80, "webp": 80, "avif": 60}
_SECONDS_A_SOURCE = 4.0
_FEWEST_RUNS = 3
_WHITE = "#ffffff"
_SEARCH = 20  # the search range for a rival's quality around ours
_MOST_TRIES = 5
_NEAR = 0.4  # of SSIMULACRA2: a step of quality is about 0.7


@dataclass(frozen=True)
class Cell:
    name: str
    orders: tuple[Order, ...]


@dataclass(frozen=True)
class Measured:
    """The figures of one engine in one cell, over its sources."""

    milliseconds: float
    size: int
    similarity: float
    """SSIM; like the score, the mean over the sources."""
    score: float
    """SSIMULACRA2."""
    ratio: float
    """Our time divided by theirs; the geometric mean over the sources."""


def cells() -> list[Cell]:
    photographs = (pictures.RAIN, pictures.WOOD)
    flat = (pictures.GRADIENTS, pictures.screenshot(1920, 1080), pictures.cut_out())
    phone, real = pictures.phone_4k(), pictures.ELEPHANTS_4K
    large_png = (pictures.photo_png_4k(), pictures.screenshot(3840, 2160))
    moving = (pictures.animation(), pictures.cartoon())

    def cell(name: str, sources: Sequence[Path], format: str, **more: object) -> Cell:
        quality = _LOSSY.get(format)
        return Cell(name, tuple(Order(source, format, quality, **more) for source in sources))  # type: ignore[arg-type]

    return [
        *(cell(f"JPEG → {name.upper()}", photographs, name) for name in ("png", "webp", "avif", "tiff")),
        *(
            made
            for plain, name in ((False, "JPEG"), (True, "plain JPEG"))
            for made in (
                cell(f"JPEG → {name}", photographs, "jpeg", plain=plain),
                cell(f"PNG → {name}", flat, "jpeg", flatten=_WHITE, plain=plain),
                cell(f"JPEG 4K → 1280 {name}", (phone, real), "jpeg", width=1280, plain=plain),
                cell(f"JPEG 4K → 320 {name}", (phone, real), "jpeg", width=320, plain=plain),
            )
        ),
        cell("PNG → WEBP", flat, "webp"),
        cell("PNG 4K → 1280 WEBP", large_png, "webp", width=1280),
        cell("GIF → WEBP", moving, "webp", animated=True),
    ]


def measure(cell: Cell, rivals: Sequence[Rival], core: int, judge: Judge) -> dict[str, Measured]:
    """Return the figures of every engine that supports this cell."""
    figures: dict[str, list[Measured]] = {}
    for order in cell.orders:
        with ExitStack() as stack, tempfile.TemporaryDirectory() as folder:
            workers = [stack.enter_context(Worker(rival, {core})) for rival in (OURS, *rivals)]
            reference = Reference(order.source.read_bytes(), order.width, judge)
            for name, found in _measured(order, workers, reference, Path(folder) / "made").items():
                figures.setdefault(name, []).append(found)
    return {
        name: Measured(
            sum(one.milliseconds for one in found),
            sum(one.size for one in found),
            statistics.mean(one.similarity for one in found),
            statistics.mean(one.score for one in found),
            geometric_mean([one.ratio for one in found]),
        )
        for name, found in figures.items()
    }


def _measured(
    order: Order, workers: Sequence[Worker], reference: Reference, out: Path
) -> dict[str, Measured]:
    """Return the figures for one source."""
    orders: dict[str, Order] = {}
    size: dict[str, int] = {}
    similarity: dict[str, float] = {}
    score: dict[str, float] = {}
    for worker in workers:
        name = worker.rival.name
        orders[name] = order
        if "ours" in score and order.quality:
            orders[name] = _looking_the_same(worker, order, reference, score["ours"], out)
        answer = worker.ask(orders[name], out=str(out))
        if "unable" not in answer:
            size[name] = answer["bytes"]
            data = out.read_bytes()
            similarity[name], score[name] = reference.similarity(data), reference.score(data)
    able = [worker for worker in workers if worker.rival.name in size]
    seconds: dict[str, list[float]] = {worker.rival.name: [] for worker in able}
    end = time.monotonic() + _SECONDS_A_SOURCE
    while len(seconds["ours"]) < _FEWEST_RUNS or time.monotonic() < end:
        for worker in able:
            seconds[worker.rival.name].append(worker.ask(orders[worker.rival.name])["seconds"])
    return {
        name: Measured(
            statistics.median(times) * 1000,
            size[name],
            similarity[name],
            score[name],
            statistics.median(a / b for a, b in zip(seconds["ours"], times, strict=True)),
        )
        for name, times in seconds.items()
    }


def _looking_the_same(worker: Worker, order: Order, reference: Reference, wanted: float, out: Path) -> Order:
    """Return the order with the quality at which this rival's result looks most like ours."""
    assert order.quality is not None
    low, high = max(1, order.quality - _SEARCH), min(100, order.quality + _SEARCH)
    scores: dict[int, float] = {}
    quality = order.quality
    for _ in range(_MOST_TRIES):
        if "unable" in worker.ask(replace(order, quality=quality), out=str(out)):
            return order
        scores[quality] = reference.score(out.read_bytes())
        if scores[quality] < wanted:
            low = quality + 1
        else:
            high = quality - 1
        if abs(scores[quality] - wanted) <= _NEAR or low > high:
            break
        # Scores rise almost linearly with quality.
        guess = quality + round((wanted - scores[quality]) / _slope(scores))
        quality = max(low, min(high, guess))
    return replace(order, quality=min(scores, key=lambda quality: abs(scores[quality] - wanted)))


def _slope(scores: Mapping[int, float]) -> float:
    """Return the rise in score per quality step between the last two tries."""
    if len(scores) < 2:
        return 0.7
    (before, was), (now, score) = list(scores.items())[-2:]
    return max(0.2, (score - was) / (now - before))


def throughput(cell: Cell, rivals: Sequence[Rival], cores: set[int]) -> dict[str, float]:
    """Return our wall time divided by theirs, with every engine using all cores for many pictures at once."""
    each = 2
    ratios: dict[str, list[float]] = {}
    for order in cell.orders:
        with ExitStack() as stack:
            teams = {rival.name: stack.enter_context(_team(rival, cores)) for rival in (OURS, *rivals)}
            able = {name: team for name, team in teams.items() if "unable" not in team[0].ask(order)}
            found: dict[str, list[float]] = {name: [] for name in able}
            for _ in range(_FEWEST_RUNS):
                for name, team in able.items():
                    times = each * len(cores) // len(team)
                    start = time.perf_counter()
                    for worker in team:
                        worker.send(order, times=times)
                    for worker in team:
                        worker.receive()
                    found[name].append(time.perf_counter() - start)
            for name, seconds in found.items():
                ratios.setdefault(name, []).append(
                    statistics.median(a / b for a, b in zip(found["ours"], seconds, strict=True))
                )
    return {name: geometric_mean(found) for name, found in ratios.items() if name != "ours"}


@contextmanager
def _team(rival: Rival, cores: set[int]) -> Iterator[list[Worker]]:
    with ExitStack() as stack:
        count = 1 if rival.threads_itself else len(cores)
        yield [stack.enter_context(Worker(rival, cores)) for _ in range(count)]


def geometric_mean(ratios: Sequence[float]) -> float:
    return math.exp(statistics.mean(map(math.log, ratios)))


def _mean(ratios: Sequence[float] | None) -> str:
    return f"**{geometric_mean(ratios):.2f}×**" if ratios else "cannot"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("rows", nargs="*", help="only rows whose name contains one of these")
    parser.add_argument("--rival", help="only this rival")
    parser.add_argument("--one-core", action="store_true", help="skip the run on all cores")
    wanted = parser.parse_args()
    install()
    rivals = [rival for rival in RIVALS if wanted.rival in (None, rival.name)]
    chosen = [cell for cell in cells() if any(part in cell.name for part in wanted.rows or [""])]
    if not chosen:
        parser.error(f"no such rows; there are {', '.join(cell.name for cell in cells())}")
    cores = os.sched_getaffinity(0)

    with Judge() as judge:
        _one_core(chosen, rivals, max(cores), judge)
    if not wanted.one_core:
        _all_cores(chosen, rivals, cores)


def _one_core(chosen: Sequence[Cell], rivals: Sequence[Rival], core: int, judge: Judge) -> None:
    print("One core: ms · kB · SSIM · SSIMULACRA2 to the source; in brackets our time divided by theirs\n")
    names = ["ours", *(rival.name for rival in rivals)]
    print("| |", " | ".join(names), "|")
    print("|" + " --- |" * (len(names) + 1))
    ratios: dict[str, list[float]] = {}
    for cell in chosen:
        figures = measure(cell, rivals, core, judge)
        texts = []
        for name in names:
            found = figures.get(name)
            if found is None:
                texts.append("cannot")
                continue
            beside = "" if name == "ours" else f" ({found.ratio:.2f}×)"
            texts.append(
                f"{found.milliseconds:.0f} · {found.size / 1000:.0f} · {found.similarity:.4f} · "
                f"{found.score:.1f}{beside}"
            )
            ratios.setdefault(name, []).append(found.ratio)
        print(f"| {cell.name} |", " | ".join(texts), "|", flush=True)
    print("| geometric mean | |", " | ".join(_mean(ratios.get(name)) for name in names[1:]), "|")


def _all_cores(chosen: Sequence[Cell], rivals: Sequence[Rival], cores: set[int]) -> None:
    names = [rival.name for rival in rivals]
    print(f"\nAll {len(cores)} cores, many images at once: our time divided by theirs\n")
    print("| |", " | ".join(names), "|")
    print("|" + " --- |" * (len(names) + 1))
    ratios: dict[str, list[float]] = {}
    for cell in chosen:
        found_ratios = throughput(cell, rivals, cores)
        for rival, ratio in found_ratios.items():
            ratios.setdefault(rival, []).append(ratio)
        texts = [f"{found_ratios[name]:.2f}×" if name in found_ratios else "cannot" for name in names]
        print(f"| {cell.name} |", " | ".join(texts), "|", flush=True)
    print("| geometric mean |", " | ".join(_mean(ratios.get(name)) for name in names), "|")


if __name__ == "__main__":
    main()
