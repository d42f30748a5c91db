"""Each format has one codec, and no other code lists formats."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from converter.engine import FORMATS, Recipe
from converter.engine.formats import ANIMATION_CANDIDATES, CANDIDATES
from converter.engine.raster import convert, probe
from converter.engine.raster.codecs import CODECS, Codec, recognised

ROOT = Path(__file__).resolve().parents[2]
CODEC_FILES = ROOT / "converter" / "engine" / "raster" / "codecs"
ROW_FILE = ROOT / "converter" / "engine" / "formats.py"
READ = [codec for codec in CODECS.values() if codec.format.decodes]


def test_every_row_has_the_codec_in_the_module_of_its_name() -> None:
    for name, codec in CODECS.items():
        assert codec.format is FORMATS[name]
        assert type(codec).__module__ == f"converter.engine.raster.codecs.{name}"


@pytest.mark.parametrize("codec", READ, ids=lambda codec: codec.format.name)
def test_a_sample_is_known_as_its_own_format_and_as_no_other(codec: Codec) -> None:
    sample = codec.sample()
    assert [other for other in CODECS.values() if other.recognises(sample)] == [codec]
    assert recognised(sample) is codec
    assert probe(sample).format == codec.format.name


@pytest.mark.parametrize("codec", READ, ids=lambda codec: codec.format.name)
def test_a_sample_can_be_converted(codec: Codec) -> None:
    [result] = convert(codec.sample(), Recipe.parse({"format": "png"}))
    assert not isinstance(result, Exception), result


@pytest.mark.parametrize("codec", READ, ids=lambda codec: codec.format.name)
def test_every_codec_says_which_kinds_it_reads(codec: Codec) -> None:
    assert codec.reads


def test_auto_has_a_choice_for_every_kind_of_picture() -> None:
    assert [format.name for format in CANDIDATES] == ["jpeg", "png", "webp", "avif"]
    assert [format.name for format in ANIMATION_CANDIDATES] == ["webp", "png"]
    assert all(format.encodes and format.shows_in_browser for format in CANDIDATES)


def test_a_picture_ends_with_a_source_that_every_browser_shows() -> None:
    ranks = {format.name: format.source_rank for format in FORMATS.values() if format.source_rank}
    assert sorted(ranks, key=lambda name: ranks[name] or 0) == ["jxl", "avif", "webp", "png", "gif", "jpeg"]
    assert len(set(ranks.values())) == len(ranks)
    assert [name for name in ranks if not FORMATS[name].shows_in_browser] == ["jxl"]


@pytest.mark.long
def test_no_formats_name_is_compared_or_listed_outside_the_codecs() -> None:
    found = {
        (str(path.relative_to(ROOT / "converter")), name)
        for path in (ROOT / "converter").rglob("*.py")
        if path != ROW_FILE and CODEC_FILES not in path.parents
        for name in _formats_named(ast.parse(path.read_text()))
    }
    assert not found, "ask the row in formats.py, or the codec"


def _formats_named(tree: ast.AST) -> Iterator[str]:
    """Yield formats that are compared with, matched, or listed in a collection or as keys of a mapping."""
    names = set(FORMATS) | {codec.pillow.lower() for codec in CODECS.values()}
    for node in ast.walk(tree):
        for text in _texts(node):
            if isinstance(text, ast.Constant) and isinstance(text.value, str) and text.value.lower() in names:
                yield text.value.lower()


def _texts(node: ast.AST) -> list[ast.expr | None]:
    match node:
        case ast.Compare():
            return [node.left, *node.comparators]
        case ast.MatchValue():
            return [node.value]
        case ast.Dict():
            return node.keys
        case ast.List() | ast.Tuple() | ast.Set():
            return list(node.elts)
        case ast.Subscript():
            return [node.slice]
    return []
