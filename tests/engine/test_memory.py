"""The peak resident memory of the sandbox's child for large images."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from converter.engine import raster
from tests.benchmarks.pictures import noise, tall_jpeg

pytestmark = [pytest.mark.slow, pytest.mark.system]

ROOT = Path(__file__).parents[2]


def smooth(width: int) -> Image.Image:
    return Image.merge(
        "RGB", [Image.linear_gradient("L").rotate(turn).resize((width, 128)) for turn in (0, 90, 180)]
    )


@pytest.mark.parametrize(
    ("draw", "side", "strips", "format", "width", "megabytes"),
    [
        (noise, 10_000, 78, "jpeg", 1600, 400),
        (smooth, 6000, 31, "webp", None, 300),
        (smooth, 6000, 31, "jxl", None, 500),
    ],
    ids=["100 megapixels to 1600 px", "24 megapixels to WebP", "to JPEG XL"],
)
def test_a_large_photograph_stays_within_its_memory(
    tmp_path: Path,
    draw: Callable[[int], Image.Image],
    side: int,
    strips: int,
    format: str,
    width: int | None,
    megabytes: int,
) -> None:
    strip = draw(side)
    source = tmp_path / "large.jpg"
    source.write_bytes(tall_jpeg(strip, strips))
    facts = raster.probe(source.read_bytes())
    assert (facts.width, facts.height) == (strip.width, 128 * strips)
    order = json.dumps([str(source), format, width])
    said = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks.peak", order],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    assert 100 < int(said.stdout) / 1e6 < megabytes
