"""Joins several images into one PDF on the command line."""

from __future__ import annotations

import io
import json
import os
import subprocess
from pathlib import Path

import pytest
from django.core.management import CommandError
from PIL import Image

from converter import configuration
from tests.management.test_convert import files, run


def drawn(pdf: Path, number: int) -> tuple[int, ...]:
    """Return the colour in the middle of a page, as rendered by poppler, from 0 to 1."""
    args = ["pdftoppm", "-r", "20", "-f", str(number), "-l", str(number), str(pdf)]
    page = Image.open(io.BytesIO(subprocess.run(args, capture_output=True, check=True).stdout)).convert("RGB")
    pixel = page.getpixel((page.width // 2, page.height // 2))
    assert isinstance(pixel, tuple)
    return tuple(round(value / 255) for value in pixel)


@pytest.fixture
def scans(tmp_path: Path) -> Path:
    """Pages whose names sort differently as text than by number."""
    folder = tmp_path / "scans"
    folder.mkdir()
    for name, color in (("page 2.png", "lime"), ("page 10.png", "blue"), ("page 1.png", "red")):
        Image.new("RGB", (30, 40), color).save(folder / name)
    return folder


def test_a_folder_is_joined_into_one_pdf_in_the_order_that_people_count(scans: Path, tmp_path: Path) -> None:
    os.utime(scans / "page 2.png", (10**9, 3 * 10**9))
    out = tmp_path / "new" / "all.pdf"
    said = run(scans, "--join", out, "--page", "a4")
    assert said.startswith(f"3 joined into {out}, ")
    assert [drawn(out, number) for number in (1, 2, 3)] == [(1, 0, 0), (0, 1, 0), (0, 0, 1)]
    assert out.stat().st_mtime == 3 * 10**9
    assert files(tmp_path / "new") == {"all.pdf"}


def test_files_are_joined_in_the_order_given(scans: Path, tmp_path: Path) -> None:
    out = tmp_path / "all.pdf"
    said = json.loads(run(scans / "page 10.png", scans / "page 1.png", "--join", out, "--json"))
    assert (drawn(out, 1), drawn(out, 2)) == ((0, 0, 1), (1, 0, 0))
    assert said["sources"] == [str(scans / "page 10.png"), str(scans / "page 1.png")]
    assert (said["target"], said["report"]["frames"]["kept"]) == (str(out), 2)


def test_an_empty_file_is_named_and_nothing_is_written(scans: Path, tmp_path: Path) -> None:
    (scans / "page 3.png").touch()
    with pytest.raises(CommandError, match=r"^page 3\.png is empty\.$"):
        run(scans, "--join", tmp_path / "all.pdf")
    assert not (tmp_path / "all.pdf").exists()


@pytest.mark.long
def test_a_bad_image_is_reported_and_nothing_is_written(scans: Path, tmp_path: Path) -> None:
    (scans / "page 3.png").write_bytes(b"no image")
    with pytest.raises(CommandError) as refusal:
        run(scans, "--join", tmp_path / "all.pdf")
    assert str(refusal.value).startswith(f"{scans / 'page 3.png'}: ")
    assert refusal.value.returncode == 1
    assert not (tmp_path / "all.pdf").exists()


def test_an_existing_pdf_is_replaced_only_with_overwrite(scans: Path, tmp_path: Path) -> None:
    out = tmp_path / "all.pdf"
    out.write_text("mine")
    with pytest.raises(CommandError, match="already exists"):
        run(scans, "--join", out)
    assert out.read_text() == "mine"
    run(scans, "--join", out, "--overwrite")
    assert out.read_bytes().startswith(b"%PDF")


def test_joining_needs_no_database(scans: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(configuration, "current", lambda: pytest.fail("The database was asked."))
    run(scans, "--join", tmp_path / "all.pdf")
    assert (tmp_path / "all.pdf").exists()


@pytest.mark.parametrize("more", [["--to", "png"], ["--watch"], ["--name", "{name}"], ["-o", "out"]])
def test_an_invalid_document_is_refused(scans: Path, tmp_path: Path, more: list[str]) -> None:
    with pytest.raises(CommandError):
        run(scans, "--join", tmp_path / "all.pdf", *more)


def test_a_dry_run_shows_what_would_be_joined(scans: Path, tmp_path: Path) -> None:
    said = run(scans, "--join", tmp_path / "all.pdf", "--margin", "10", "--dry-run")
    assert said.splitlines()[1:] == [
        f"{scans / f'page {n}.png'} → {tmp_path / 'all.pdf'}" for n in (1, 2, 10)
    ]
    assert "10 mm margin" in said
