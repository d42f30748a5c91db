"""Pages and frames as separate files on the command line."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from PIL import Image

from tests.conftest import make_photo

COLORS = ("red", "lime", "blue")


@pytest.fixture
def scan(tmp_path: Path) -> Path:
    first, *others = [Image.new("RGB", (20, 10), color) for color in COLORS]
    first.save(tmp_path / "scan.tif", save_all=True, append_images=others)
    return tmp_path / "scan.tif"


def run(*arguments: Any) -> str:
    out = io.StringIO()
    call_command("convert", *map(str, arguments), "--workers", "1", stdout=out)
    return out.getvalue()


def test_each_page_becomes_a_file(scan: Path, tmp_path: Path) -> None:
    (tmp_path / "photo.jpg").write_bytes(make_photo())
    out = tmp_path / "out"
    said = run(scan, tmp_path / "photo.jpg", "-o", out, "--to", "png", "--frames", "each")
    assert said.startswith("2 of 2 converted")
    names = sorted(path.name for path in out.iterdir())
    assert names == ["photo.png", "scan-001.png", "scan-002.png", "scan-003.png"]
    for number, color in enumerate(COLORS, 1):
        with Image.open(out / f"scan-00{number}.png") as image:
            assert image.convert("RGB").getcolors() == [
                (200, Image.new("RGB", (1, 1), color).getpixel((0, 0)))
            ]
    with pytest.raises(CommandError, match="already exists"):
        run(scan, "-o", out, "--to", "png", "--frames", "each")


def test_selected_pages_are_named_by_the_pattern_and_reported_one_by_one(scan: Path, tmp_path: Path) -> None:
    pattern = "p{page}"
    with pytest.raises(CommandError, match="same name"):
        run(scan, "-o", tmp_path / "out", "--to", "png", "--frames", "each", "--name", pattern)
    pattern = "{name}_{page}-{width}.{ext}"
    words = ["--to", "webp", "--frames", "each", "--pages", "2-9", "--name", pattern, "--json"]
    told = [json.loads(line) for line in run(scan, "-o", tmp_path / "out", *words).splitlines()]
    assert [Path(line["target"]).name for line in told] == ["scan_002-20.webp", "scan_003-20.webp"]
    assert {line["source"] for line in told} == {str(scan)}


def test_pages_select_the_pages_of_one_file(scan: Path, tmp_path: Path) -> None:
    run(scan, "-o", tmp_path / "out", "--to", "tiff", "--pages", "1,3")
    with Image.open(tmp_path / "out" / "scan.tif") as image:
        assert getattr(image, "n_frames", 1) == 2
    with pytest.raises(CommandError, match="no page or frame 4: it has 3"):
        run(scan, "-o", tmp_path / "other", "--to", "png", "--pages", "4")
    with pytest.raises(CommandError, match="no page or frame 4-: it has 3"):
        run(scan, "-o", tmp_path / "other", "--to", "png", "--pages", "4-", "--frames", "each")
    assert not list((tmp_path / "other").iterdir())


def test_a_dry_run_shows_the_names_by_their_pattern(scan: Path, tmp_path: Path) -> None:
    said = run(scan, "-o", tmp_path / "out", "--to", "png", "--frames", "each", "--dry-run")
    assert "{name}-{page}.{ext}" in said


def test_a_document_cannot_be_split_into_pages(scan: Path, tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="--frames each"):
        run(scan, scan, "--join", tmp_path / "all.pdf", "--frames", "each")


def test_a_document_has_only_the_selected_pages(scan: Path, tmp_path: Path) -> None:
    said = json.loads(run(scan, scan, "--join", tmp_path / "all.pdf", "--pages", "2-", "--json"))
    assert said["report"]["frames"] == {"in": 6, "kept": 4}
