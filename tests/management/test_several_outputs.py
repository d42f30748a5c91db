"""Several outputs from one recipe file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError
from PIL import Image

from tests.management.test_convert import album, files, run

__all__ = ["album"]

SET = [
    {"format": "webp", "resize": {"width": 8}},
    {"format": "webp", "resize": {"width": 16}},
    {"format": "png", "resize": {"width": 8}},
]


@pytest.mark.parametrize("content", [SET, {"name": "Set", "recipe": SET[0], "outputs": SET}])
def test_a_recipe_with_several_outputs_makes_all_of_them(album: Path, tmp_path: Path, content: Any) -> None:
    recipe, out = tmp_path / "set.json", tmp_path / "out"
    recipe.write_text(json.dumps(content))
    said = run(album / "sub", "-o", out, "--recipe", recipe, "--metadata", "keep", "--json")
    assert files(out) == {"c-8.webp", "c-16.webp", "c-8.png"}
    assert {Path(json.loads(line)["target"]).name for line in said.splitlines()} == files(out)
    with Image.open(out / "c-16.webp") as image:
        assert (image.format, image.width) == ("WEBP", 16)


@pytest.mark.long
def test_outputs_of_different_formats_keep_the_name(album: Path, tmp_path: Path) -> None:
    recipe, out = tmp_path / "set.json", tmp_path / "out"
    recipe.write_text(json.dumps([{"format": "webp"}, {"format": "gif"}]))
    shown = run(album / "sub", "-o", out, "--recipe", recipe, dry_run=True)
    assert "WebP" in shown
    assert "GIF" in shown
    run(album / "sub", "-o", out, "--recipe", recipe)
    assert files(out) == {"c.webp", "c.gif"}
    with pytest.raises(CommandError, match="already exists"):
        run(album / "sub", "-o", out, "--recipe", recipe)


@pytest.mark.parametrize(
    ("content", "more", "told"),
    [
        ([], [], "expected a JSON object, or a list of them"),
        (["webp"], [], "expected a JSON object, or a list of them"),
        (SET, ["--to", "webp", "--resize", "8x"], "Two of the outputs are the same"),
        ([{"format": "webp"}, {"format": "x"}], [], "Output 2: Format must be one of"),
    ],
)
def test_invalid_outputs_are_refused(
    album: Path, tmp_path: Path, content: Any, more: list[str], told: str
) -> None:
    recipe = tmp_path / "set.json"
    recipe.write_text(json.dumps(content))
    with pytest.raises(CommandError, match=told) as failure:
        run(album, "-o", tmp_path / "out", "--recipe", recipe, *more)
    assert failure.value.returncode == 2


@pytest.mark.parametrize(
    "text", ["[" * 100_000, '{"format": "webp", "format": "png"}', '{"format": "webp" ', ""]
)
def test_json_without_a_single_meaning_is_refused_as_in_the_api(
    album: Path, tmp_path: Path, text: str
) -> None:
    recipe = tmp_path / "set.json"
    recipe.write_text(text)
    with pytest.raises(CommandError, match="is not a recipe") as failure:
        run(album, "-o", tmp_path / "out", "--recipe", recipe)
    assert failure.value.returncode == 2


def test_a_recipe_file_may_begin_with_a_byte_order_mark(album: Path, tmp_path: Path) -> None:
    recipe, out = tmp_path / "set.json", tmp_path / "out"
    recipe.write_text('{"format": "webp"}', "utf-8-sig")
    run(album / "sub", "-o", out, "--recipe", recipe)
    assert files(out) == {"c.webp"}


def test_a_document_has_one_output(album: Path, tmp_path: Path) -> None:
    recipe = tmp_path / "set.json"
    recipe.write_text(json.dumps([{"format": "pdf"}, {"format": "pdf", "page": "a4"}]))
    with pytest.raises(CommandError, match="several outputs"):
        run(album, "--join", tmp_path / "a.pdf", "--recipe", recipe)
