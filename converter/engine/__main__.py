"""`python -m converter.engine`: the format table as Markdown, as it stands in the README."""

from __future__ import annotations

import sys

from .formats import FORMATS, Format


def table() -> str:
    rows = [
        "| format | in | out | transparency | animation | pages | lossless | longest side |",
        "|---|---|---|---|---|---|---|---|",
    ]
    rows += [_row(format) for format in FORMATS.values()]
    return "\n".join(rows)


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
    return f"| {format.label} | {marks} | {format.max_side:,} px |"


if __name__ == "__main__":
    sys.stdout.write(table() + "\n")
