"""The documentation matches the code."""

from __future__ import annotations

import re
from pathlib import Path

from converter.engine.__main__ import put

ROOT = Path(__file__).resolve().parent.parent


def test_the_readme_has_the_tables_of_formats_as_they_are() -> None:
    text = (ROOT / "README.md").read_text()
    assert put(text) == text, "run `make docs`"


def test_every_setting_is_documented() -> None:
    settings = (ROOT / "imagesite" / "settings.py").read_text()
    read = set(re.findall(r'env(?:\.\w+)?\(\s*"([A-Z_]+)"|: "(MAX_[A-Z_]+)"', settings))
    names = {name for pair in read for name in pair if name}
    assert len(names) > 30
    documented = set(re.findall(r"`([A-Z_]+)`", (ROOT / "docs" / "configuration.md").read_text()))
    assert names <= documented, names - documented


def test_every_package_is_in_the_diagram_of_the_architecture() -> None:
    rooms = {path.name for path in (ROOT / "converter").iterdir() if (path / "__init__.py").exists()}
    text = (ROOT / "docs" / "architecture.md").read_text()
    missing = {room for room in rooms - {"migrations", "management"} if f"converter/{room}" not in text}
    assert not missing


def test_every_dependency_has_a_line_that_says_what_it_is_for() -> None:
    project = (ROOT / "pyproject.toml").read_text()
    listed = project.split("dependencies = [", 1)[1].split("\n]", 1)[0]
    names = re.findall(r'^  "([a-z0-9-]+)', listed, flags=re.MULTILINE)
    text = (ROOT / "docs" / "architecture.md").read_text()
    assert [name for name in names if f"| {name} |" not in text] == []


def test_every_target_of_the_makefile_has_a_line_of_help() -> None:
    makefile = (ROOT / "Makefile").read_text()
    phony = makefile.split(".PHONY:", 1)[1].split()
    assert [target for target in phony if not re.search(rf"^{target}:.*## ", makefile, re.MULTILINE)] == []


def test_the_index_lists_all_documents() -> None:
    index = (ROOT / "docs" / "README.md").read_text()
    pages = [path.name for path in (ROOT / "docs").glob("*.md") if path.name != "README.md"]
    assert [page for page in pages if f"]({page})" not in index] == []


def test_every_link_in_the_documents_works() -> None:
    for page in [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")]:
        for link in re.findall(r"\]\((?!https?:|#|mailto:)([^)#]+)", page.read_text()):
            assert (page.parent / link).exists(), f"{page.name}: {link}"


def test_the_glossary_names_files_that_exist() -> None:
    glossary = (ROOT / "docs" / "glossary.md").read_text()
    places = re.findall(r"\| `([^`]+)` \|$", glossary, re.MULTILINE)
    assert len(places) > 25
    assert [place for place in places if not (ROOT / place).exists()] == []


def test_the_glossary_is_in_alphabetical_order() -> None:
    words = re.findall(r"^\| ([a-z, ]+) \|", (ROOT / "docs" / "glossary.md").read_text(), re.MULTILINE)[1:]
    assert words == sorted(words)


def test_every_file_named_in_the_guide_to_extending_exists() -> None:
    named = re.findall(
        r"`([\w./-]+(?:/|\.(?:md|py|toml|po|html|js)))`", (ROOT / "docs" / "extending.md").read_text()
    )
    assert len(named) > 5
    assert [name for name in named if not (ROOT / name).exists()] == []
