from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from PIL import Image

from converter import engine
from converter.management import recipe_options
from converter.management.commands.convert import Command
from converter.management.converting import Converted, Task, Workers
from tests.conftest import make_photo
from tests.server import ROOT


@pytest.fixture
def album(tmp_path: Path) -> Path:
    album = tmp_path / "album"
    (album / "sub").mkdir(parents=True)
    (album / "a.jpg").write_bytes(make_photo(64, 48))
    (album / "A.PNG").write_bytes(make_photo(30, 20, "PNG"))
    (album / "sub" / "c.png").write_bytes(make_photo(20, 20, "PNG"))
    (album / "notes.txt").write_text("hello")
    return album


def run(*arguments: Any, **options: Any) -> str:
    out = io.StringIO()
    call_command("convert", *map(str, arguments), stdout=out, **options)
    return out.getvalue()


def files(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def test_a_folder_is_converted_with_its_subfolders(album: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    said = run(album, "-o", out, "--to", "webp", "--resize", "16x")
    assert files(out) == {"A.webp", "a (2).webp", "sub/c.webp"}
    for path in out.rglob("*.webp"):
        with Image.open(path) as image:
            assert (image.format, image.width) == ("WEBP", 16)
    assert said.startswith("3 of 3 converted")
    assert "images: 1" in said


def test_results_are_named_by_a_pattern(album: Path, tmp_path: Path) -> None:
    run(album, "-o", tmp_path / "out", "--to", "webp", "--resize", "16x", "--name", "{name}-{width}.{ext}")
    assert {name.casefold() for name in files(tmp_path / "out")} == {
        "a-16.webp",
        "a-16 (2).webp",
        "sub/c-16.webp",
    }
    assert "c-{width}.webp" not in run(
        album, "-o", tmp_path / "2", "--to", "webp", "--name", "{number}", dry_run=True
    )
    with pytest.raises(CommandError) as failure:
        run(album, "-o", tmp_path / "out", "--to", "webp", "--name", "{wide}")
    assert failure.value.returncode == 2
    assert "{wide}" in str(failure.value)


def test_no_result_takes_the_name_of_another_results_folder(tmp_path: Path) -> None:
    source = tmp_path / "in"
    (source / "a.webp").mkdir(parents=True)
    for name in ("a.png", "a.webp/b.png"):
        (source / name).write_bytes(make_photo(8, 8, "PNG"))
    for words in (["webp"], ["auto"], ["webp", "--name", "{name}"]):
        out = tmp_path / "-".join(words)
        run(source, "-o", out, "--to", *words)
        assert {name.removesuffix(".webp").removesuffix(".png") for name in files(out)} == {
            "a (2)",
            "a.webp/b",
        }


def test_a_bad_file_is_reported_at_the_end_and_the_others_are_converted(album: Path, tmp_path: Path) -> None:
    (album / "broken.jpg").write_bytes(make_photo()[:300])
    with pytest.raises(CommandError) as failure:
        run(album, "-o", tmp_path / "out", "--to", "png")
    assert failure.value.returncode == 1
    assert f"{album / 'broken.jpg'}: " in str(failure.value)
    assert len(files(tmp_path / "out")) == 3


def test_an_empty_or_too_large_file_is_named_in_the_words_of_the_site(
    album: Path, tmp_path: Path, settings: Any
) -> None:
    settings.CONVERTER_LIMITS = {"max_bytes": 50_000}
    (album / "empty.jpg").touch()
    (album / "large.jpg").write_bytes(bytes(50_001))
    with pytest.raises(CommandError) as failure:
        run(album, "-o", tmp_path / "out", "--to", "png")
    assert f"{album / 'empty.jpg'}: empty.jpg is empty.\n" in f"{failure.value}\n"
    assert f"{album / 'large.jpg'}: large.jpg is larger than 50 KB, the limit for one file." in str(
        failure.value
    )


def test_existing_files_are_kept(album: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "a.webp").write_bytes(b"mine")
    with pytest.raises(CommandError, match="already exists"):
        run(album / "a.jpg", "-o", out, "--to", "webp")
    assert (out / "a.webp").read_bytes() == b"mine"
    run(album / "a.jpg", "-o", out, "--to", "webp", "--overwrite")
    assert (out / "a.webp").read_bytes() != b"mine"


def test_a_source_is_never_overwritten(album: Path) -> None:
    source = (album / "a.jpg").read_bytes()
    with pytest.raises(CommandError, match="already exists"):
        run(album / "a.jpg", "-o", album, "--to", "jpeg", "--overwrite")
    assert (album / "a.jpg").read_bytes() == source


def test_no_source_of_the_run_is_overwritten_by_the_result_of_another(album: Path) -> None:
    kept = make_photo(10, 10, "WEBP")
    (album / "a.webp").write_bytes(kept)
    with pytest.raises(CommandError, match="already exists"):
        run(album / "a.jpg", album / "a.webp", "-o", album, "--to", "webp", "--overwrite")
    assert (album / "a.webp").read_bytes() == kept


@pytest.mark.long
def test_results_may_be_written_next_to_their_sources(album: Path) -> None:
    run(album, "-o", album, "--to", "avif")
    assert {"a (2).avif", "A.avif", "sub/c.avif"} <= files(album)
    run(album / "sub", "-o", album, "--to", "gif")
    assert "c.gif" in files(album)


def test_hidden_files_are_ignored(album: Path, tmp_path: Path) -> None:
    (album / "._a.jpg").write_bytes(b"what a Mac leaves")
    (album / ".git").mkdir()
    (album / ".git" / "x.png").write_bytes(b"")
    said = run(album, "-o", tmp_path / "out", "--to", "webp")
    assert said.startswith("3 of 3 converted")


@pytest.mark.parametrize("output", ["file", "file/below"])
def test_an_output_that_is_not_a_folder_is_reported_before_anything_is_done(
    album: Path, tmp_path: Path, output: str
) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(CommandError, match="Cannot create") as failure:
        run(album, "-o", tmp_path / output, "--to", "webp")
    assert failure.value.returncode == 2


def test_an_output_that_is_not_writable_is_reported_before_anything_is_done(
    album: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.access", lambda path, mode: False)
    with pytest.raises(CommandError, match="is not writable") as failure:
        run(album, "-o", tmp_path / "out", "--to", "webp")
    assert failure.value.returncode == 2


def test_ctrl_c_reports_the_progress(album: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def one_and_no_more(*args: Any, **options: Any) -> Iterator[Any]:
        target = tmp_path / "out" / "a.webp"
        yield Task(album / "a.jpg", target), [Converted(target, 1000, 500, "webp", 64, 48, {})]
        raise KeyboardInterrupt

    monkeypatch.setattr(Workers, "convert", one_and_no_more)
    out = io.StringIO()
    with pytest.raises(CommandError, match="Interrupted") as failure:
        call_command("convert", str(album), "-o", str(tmp_path / "out"), "--to", "webp", stdout=out)
    assert failure.value.returncode == 130
    assert out.getvalue().startswith("1 of 3 converted")


@pytest.mark.long
def test_a_name_that_the_terminal_cannot_show_is_converted(tmp_path: Path) -> None:
    (tmp_path / os.fsdecode(b"\xff.png")).write_bytes(make_photo(8, 8, "PNG"))
    words = ["convert", str(tmp_path), "-o", str(tmp_path / "out"), "--to", "webp"]
    for more in (["--dry-run"], []):
        done = subprocess.run(
            [sys.executable, ROOT / "manage.py", *words, *more],
            env={**os.environ, "PYTHONIOENCODING": "ascii:strict"},
            capture_output=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr


def test_results_within_the_folder_are_not_converted_again(album: Path) -> None:
    run(album, "-o", album / "out", "--to", "webp")
    run(album, "-o", album / "out", "--to", "png")
    assert len(files(album / "out")) == 6


def test_a_dry_run_does_nothing(album: Path, tmp_path: Path) -> None:
    said = run(album, "-o", tmp_path / "out", "--to", "webp", "--dry-run")
    assert f"{album / 'a.jpg'} → {tmp_path / 'out' / 'a (2).webp'}" in said
    assert not (tmp_path / "out").exists()
    run(album / "a.jpg", "-o", tmp_path / "out", "--to", "webp")
    said = run(album / "a.jpg", "-o", tmp_path / "out", "--to", "webp", "--dry-run")
    assert "a.webp (already exists)" in said


def test_a_recipe_comes_from_a_file_and_options_override_it(album: Path, tmp_path: Path) -> None:
    (tmp_path / "logo.png").write_bytes(make_photo(8, 8, "PNG"))
    recipe = tmp_path / "recipe.json"
    recipe.write_text(json.dumps({"format": "webp", "rotate": 90, "watermark": {"image": "logo.png"}}))
    run(album / "a.jpg", "-o", tmp_path / "out", "--recipe", recipe, "--to", "png")
    with Image.open(tmp_path / "out" / "a.png") as image:
        assert image.size == (48, 64)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--to", "nothing"], "Format"),
        ([], "Format is missing"),
        (["--to", "webp", "--resize", "x"], "--resize"),
        (["--to", "webp", "--quality", "101"], "Quality"),
        (["--recipe", "nowhere.json"], "not a recipe"),
        (["--recipe", "album/notes.txt"], "not a recipe"),
    ],
)
def test_invalid_options_are_reported_before_anything_is_done(
    album: Path, tmp_path: Path, arguments: list[str], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(CommandError, match=said) as failure:
        run(album, "-o", tmp_path / "out", *arguments)
    assert failure.value.returncode == 2
    assert not (tmp_path / "out").exists()


def test_a_folder_without_images_is_reported(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="No images"):
        run(tmp_path, "-o", tmp_path / "out", "--to", "webp")


def test_a_source_that_does_not_exist_is_reported(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="does not exist"):
        run(tmp_path / "nowhere", "-o", tmp_path / "out", "--to", "webp")


@pytest.mark.long
def test_the_format_may_depend_on_each_image(album: Path, tmp_path: Path) -> None:
    run(album / "a.jpg", "-o", tmp_path / "out", "--to", "auto")
    (made,) = (tmp_path / "out").iterdir()
    with Image.open(made) as image:
        assert image.size == (64, 48)
        assert image.format is not None
        assert made.suffix == {"JPEG": ".jpg"}.get(image.format, f".{image.format.lower()}")
    with pytest.raises(CommandError, match="already exists"):
        run(album / "a.jpg", "-o", tmp_path / "out", "--to", "auto")


def test_a_name_that_is_too_long_fails_and_one_that_just_fits_does_not(tmp_path: Path) -> None:
    source, output = tmp_path / "in", tmp_path / "out"
    source.mkdir()
    for name in ("x" * 251 + ".png", "y" * 250 + ".png", "Dr. Smith.png", "a.png"):
        (source / name).write_bytes(make_photo(8, 8, "PNG"))
    run(source, "-o", output, "--to", "webp")
    names = {path.name for path in output.iterdir()}
    assert names == {"x" * 250 + ".webp", "y" * 250 + ".webp", "Dr. Smith.webp", "a.webp"}


def test_a_dot_in_a_name_without_extension_stays(tmp_path: Path) -> None:
    source = tmp_path / "v1.2 final"
    source.write_bytes(make_photo(8, 8, "PNG"))
    run(source, "-o", tmp_path / "out", "--to", "auto")
    (made,) = (tmp_path / "out").iterdir()
    assert made.stem == "v1.2 final"


# --- Options of the recipe ---------------------------------------------------------------------------------


def test_every_option_of_a_recipe_has_one_on_the_command_line(
    album: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def flat(schema: Any, prefix: str = "") -> dict[str, Any]:
        found: dict[str, Any] = {}
        for name, option in schema["properties"].items():
            nested = "properties" in option
            found |= flat(option, f"{prefix}{name}-") if nested else {f"{prefix}{name}": option}
        return found

    parser = Command().create_parser("manage.py", "convert")
    known = {word for action in parser._actions for word in action.option_strings}
    wanted = {f"--{path.replace('_', '-')}" for path in flat(engine.RECIPE_SCHEMA)}
    assert wanted <= known


@pytest.mark.parametrize(
    ("words", "recipe"),
    [
        (["--metadata", "keep"], {"metadata": "keep"}),
        (["--no-progressive"], {"progressive": False}),
        (["--rotate", "90", "--flip", "horizontal"], {"rotate": 90, "flip": "horizontal"}),
        (["--target-bytes", "5000", "--shrink-to-fit"], {"target_bytes": 5000, "shrink_to_fit": True}),
        (
            ["--resize", "30x", "--resize-mode", "pad", "--resize-height", "40", "--resize-enlarge"],
            {"resize": {"mode": "pad", "width": 30, "height": 40, "enlarge": True}},
        ),
        (
            ["--crop-x", "1", "--crop-y", "2", "--crop-width", "3", "--crop-height", "4"],
            {"crop": {"x": 1, "y": 2, "width": 3, "height": 4}},
        ),
        (
            ["--resize", "9x9", "--resize-mode", "fill", "--focal-point-x", "0.3", "--focal-point-y", "0"],
            {"resize": {"mode": "fill", "width": 9, "height": 9}, "focal_point": {"x": 0.3, "y": 0}},
        ),
        (
            ["--watermark-text", "me", "--watermark-opacity", "0.25"],
            {"watermark": {"text": "me", "opacity": 0.25}},
        ),
        (
            ["--dpi", "300", "--color", "keep", "--frames", "first"],
            {"dpi": 300, "color": "keep", "frames": "first"},
        ),
    ],
)
def test_options_become_the_recipe(words: list[str], recipe: dict[str, Any]) -> None:
    parser = Command().create_parser("manage.py", "convert")
    options = vars(parser.parse_args(["a.jpg", "-o", "out", "--to", "jpeg", *words]))
    assert recipe_options.read(options) == engine.Recipe.parse({"format": "jpeg", **recipe})


def test_a_size_on_the_command_line_replaces_that_of_the_recipe(album: Path, tmp_path: Path) -> None:
    recipe = tmp_path / "recipe.json"
    recipe.write_text(json.dumps({"format": "png", "resize": {"scale": 50}}))
    run(album / "a.jpg", "-o", tmp_path / "out", "--recipe", recipe, "--resize", "16x")
    with Image.open(tmp_path / "out" / "a.png") as image:
        assert image.width == 16


# --- Files and lines ---------------------------------------------------------------------------------------


def test_results_have_the_dates_of_their_sources(album: Path, tmp_path: Path) -> None:
    os.utime(album / "a.jpg", ns=(10**18, 10**18 + 123_000_000))
    run(album / "a.jpg", "-o", tmp_path / "out", "--to", "webp")
    assert (tmp_path / "out" / "a.webp").stat().st_mtime_ns == 10**18 + 123_000_000


def test_a_name_with_a_dot_keeps_it_when_the_format_is_chosen_for_each_image(tmp_path: Path) -> None:
    (tmp_path / "v1.2 final.jpg").write_bytes(make_photo())
    run(tmp_path / "v1.2 final.jpg", "-o", tmp_path / "out", "--to", "auto")
    (made,) = files(tmp_path / "out")
    assert made.startswith("v1.2 final.")


def test_json_has_a_line_for_each_file(album: Path, tmp_path: Path) -> None:
    (album / "broken.jpg").write_bytes(make_photo()[:300])
    out = io.StringIO()
    with pytest.raises(CommandError):
        call_command("convert", str(album), "-o", str(tmp_path / "out"), "--to", "webp", "--json", stdout=out)
    lines = {Path(line["source"]).name: line for line in map(json.loads, out.getvalue().splitlines())}
    assert set(lines) == {"a.jpg", "A.PNG", "c.png", "broken.jpg"}
    made = lines["c.png"]
    assert made["target"] == str(tmp_path / "out" / "sub" / "c.webp")
    assert (made["format"], made["width"], made["height"]) == ("webp", 20, 20)
    assert made["after"] == Path(made["target"]).stat().st_size
    assert made["report"]["bytes_before"] == made["before"]
    assert lines["broken.jpg"]["error"]["code"] == "truncated"
