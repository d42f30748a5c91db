"""`python -m converter.engine [README.md]` prints the format tables as Markdown or updates them in a file."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable
from pathlib import Path

from .formats import FORMATS, Format
from .raster.codecs import CODECS, Codec

_BEGIN, _END = "<!-- formats: remade by `make docs` -->\n", "<!-- end of formats -->"


def tables() -> str:
    """Return two tables: the features of each format, and the variants of each format that are supported."""
    can = _table(
        "format | in | out | transparency | animation | pages | lossless | 16 bits kept | longest side",
        (_row(format) for format in FORMATS.values()),
    )
    kinds = _table(
        "format | kinds that are read | kinds that are refused",
        (_kinds(codec) for codec in CODECS.values() if codec.format.decodes),
    )
    return f"{can}\n\n{kinds}\n"


def put(text: str) -> str:
    """Return the document with its tables updated. Raises ValueError if the markers for them are missing."""
    found = re.subn(f"(?s){re.escape(_BEGIN)}.*{re.escape(_END)}", lambda _: _BEGIN + tables() + _END, text)
    if found[1] != 1:
        raise ValueError(f"It lacks the markers for the tables: {_BEGIN.strip()} … {_END}")
    return found[0]


def _table(head: str, rows: Iterable[str]) -> str:
    rule = "|".join("---" for _ in head.split("|"))
    return "\n".join([f"| {head} |", f"|{rule}|", *rows])


def _row(format: Format) -> str:
    facts = (
        format.decodes,
        format.encodes,
        format.alpha,
        format.animation,
        format.pages,
        format.lossless,
    )
    marks = " | ".join("yes" if fact else "–" for fact in facts)
    kept = "–" if not format.deep else "grey" if format.deep == ("L",) else "yes"
    return f"| {format.label} | {marks} | {kept} | {format.max_side:,} px |"


def _kinds(codec: Codec) -> str:
    return f"| {codec.format.label} | {codec.reads} | {codec.refuses or '–'} |"


if __name__ == "__main__":
    for name in sys.argv[1:]:
        path = Path(name)
        path.write_text(put(path.read_text()))
    if not sys.argv[1:]:
        sys.stdout.write(tables())
