"""Measure one large picture: six outputs from one decode, and the memory of the sandbox's child process."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from converter import engine
from converter.sandbox import Rendered, Sandbox

from . import pictures
from .rivals import OURS, ROOT, SHARP, Order, Worker, install

WIDTHS = (320, 640, 960, 1280, 1600, 1920)
PAIRS = 5
MEASURED: tuple[tuple[str, str, int | None], ...] = (
    ("100-megapixel JPEG → JPEG, 1600 px", "jpeg", 1600),
    ("24-megapixel JPEG → WebP", "webp", None),
    ("24-megapixel JPEG → AVIF", "avif", None),
    ("24-megapixel JPEG → PNG", "png", None),
    ("24-megapixel JPEG → JPEG XL", "jxl", None),
    ("24-megapixel JPEG → JPEG", "jpeg", None),
    ("8-megapixel PNG → WebP, 1280 px", "webp", 1280),
)


def recipe(format: str, width: int | None) -> engine.Recipe:
    wanted: dict[str, Any] = {"format": format}
    if width:
        wanted["resize"] = {"width": width}
    return engine.Recipe.parse(wanted)


def six_in_one(data: bytes, recipes: list[engine.Recipe]) -> float:
    """Return the sandbox's time for all outputs in one request, divided by its time for one request each."""
    sandbox = Sandbox()
    ratios = []
    for _ in range(PAIRS + 1):  # the first one starts the sandbox
        start = time.perf_counter()
        together = list(sandbox.render(data, recipes, engine.Limits()))
        middle = time.perf_counter()
        alone = [answer for one in recipes for answer in sandbox.render(data, [one], engine.Limits())]
        end = time.perf_counter()
        made = [answer.data for answer in together if isinstance(answer, Rendered)]
        assert len(made) == len([answer for answer in alone if isinstance(answer, Rendered)]) == len(recipes)
        ratios.append((middle - start) / (end - middle))
    sandbox.close()
    return statistics.median(ratios[1:])


def peak_of_child(source: Path, format: str, width: int | None) -> int:
    """Return the peak resident bytes of the sandbox's child, measured in a new process that starts it."""
    order = json.dumps([str(source), format, width])
    said = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks.peak", order],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    return int(said.stdout)


def main() -> None:
    install()
    print(
        "Six outputs of a 24-megapixel JPEG from one decode, through the sandbox, in parts of six orders' time:"
    )
    data = pictures.phone_24mp().read_bytes()
    for label, formats, widths in (
        ("six widths as JPEG", ("jpeg",), WIDTHS),
        ("three widths as JPEG and as WebP", ("jpeg", "webp"), WIDTHS[1::2]),
        ("six widths as WebP", ("webp",), WIDTHS),
    ):
        recipes = [recipe(format, width) for format in formats for width in widths]
        print(f"  {label:36} {six_in_one(data, recipes):.2f}×", flush=True)
    print(
        "Peak memory in MB, of the sandbox's child and of sharp's process, and CPU time in ms, on one core:\n"
    )
    print("| | ours | sharp |\n| --- | --- | --- |")
    core = max(os.sched_getaffinity(0))
    for name, format, width in MEASURED:
        source = pictures.phone_24mp()
        if name.startswith("100"):
            source = pictures.jpeg_100mp()
        if name.startswith("8"):
            source = pictures.photo_png_4k()
        order = Order(source, format, None, width)
        with Worker(OURS, {core}) as worker:
            ours = worker.ask(order)["seconds"]
        with Worker(SHARP, {core}) as sharp:
            answer = sharp.ask(order)
            theirs = "cannot"
            if "unable" not in answer:
                theirs = f"{sharp.peak_memory() / 1e6:.0f} · {answer['seconds'] * 1000:.0f}"
        peak = peak_of_child(source, format, width)
        print(f"| {name} | {peak / 1e6:.0f} · {ours * 1000:.0f} | {theirs} |", flush=True)


if __name__ == "__main__":
    main()
