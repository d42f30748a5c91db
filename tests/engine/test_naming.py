from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from converter.engine.naming import EXAMPLES, Named, folder_of, pattern_problem, result_name

HERO = Named("hero", 800, 450, "jpeg", "jpg", 7, date(2026, 11, 26))


@pytest.mark.parametrize(
    ("pattern", "name"),
    [
        ("{name}.{ext}", "hero.jpg"),
        ("{name}-{width}.{ext}", "hero-800.jpg"),
        ("{name}-{width}x{height}", "hero-800x450.jpg"),
        ("{date} {number} {format}", "2026-11-26 007 jpeg.jpg"),
        ("{name}.{width}", "hero.800.jpg"),
        ("{name}.png", "hero.png.jpg"),
    ],
)
def test_a_pattern_is_filled_and_ends_in_the_extension(pattern: str, name: str) -> None:
    assert pattern_problem(pattern) is None
    assert result_name(pattern, HERO) == name


@pytest.mark.parametrize("pattern", EXAMPLES)
def test_the_examples_are_patterns(pattern: str) -> None:
    assert pattern_problem(pattern) is None


@pytest.mark.parametrize(
    ("pattern", "kind"),
    [
        ("{nmae}.{ext}", "part"),
        ("{}", "part"),
        ("{name.__class__}", "part"),
        ("{name", "letter"),
        ("../{name}", "letter"),
        ("a\\{name}", "letter"),
        ("photo.{ext}", "same"),
    ],
)
def test_a_pattern_that_cannot_be_used_says_why(pattern: str, kind: str) -> None:
    problem = pattern_problem(pattern)
    assert problem
    assert (problem.code, problem.params["kind"]) == ("bad_name_pattern", kind)


def test_braces_in_a_name_are_only_letters() -> None:
    assert result_name("{name}.{ext}", replace(HERO, name="a{width}")) == "a{width}.jpg"


def test_a_long_name_is_cut_before_its_extension() -> None:
    name = result_name("{name}-{width}.{ext}", replace(HERO, name="ü" * 200))
    assert len(name.encode()) <= 255
    assert name.endswith(".jpg")


@pytest.mark.parametrize(
    ("name", "folder"),
    [
        ("a.jpg", ""),
        ("day1/a.jpg", "day1"),
        ("Holiday\\day 1\\a.jpg", "Holiday/day 1"),
        ("../../etc/a.jpg", "etc"),
        ("/a.jpg", ""),
        ("a/ ./..//b/c.jpg", "a/b"),
        ("con/x?/a.jpg", "_con/x_/a.jpg".removesuffix("/a.jpg")),
    ],
)
def test_folders_are_kept_as_every_system_can_write_them(name: str, folder: str) -> None:
    assert folder_of(name) == folder
