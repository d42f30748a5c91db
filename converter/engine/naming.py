"""Names of results, made from a pattern with parts in braces, such as `{name}-{width}.{ext}`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from .filenames import clean_name, fitted, portable_name
from .messages import Message

AS_SOURCE = "{name}.{ext}"
BY_WIDTH = "{name}-{width}.{ext}"
PARTS = ("name", "width", "height", "format", "ext", "number", "page", "date")
EXAMPLES = (
    BY_WIDTH,
    "{name}-{width}x{height}.{ext}",
    "{number}-{name}.{ext}",
    "{name}-{page}.{ext}",
    "{date}-{number}.{ext}",
)
LONGEST = 100  # characters of a pattern

_PART = re.compile(r"\{([^{}]*)\}")


@dataclass(frozen=True)
class Named:
    """The values for the name of a result.

    `name` is the source's name without extension, `number` counts the sources from 1, and `page` is the page
    that the result was made from, if it is a single one.
    """

    name: str
    width: int | None
    height: int | None
    format: str
    ext: str
    number: int
    date: date
    page: int | None = None

    def part(self, name: str) -> str:
        if name == "number":
            return f"{self.number:03}"  # with zeros, so that names sort by number
        if name == "page":
            return f"{self.page or 1:03}"
        value = getattr(self, name)
        return "" if value is None else str(value)


def pattern_problem(pattern: str) -> Message | None:
    """Return what is wrong with the pattern, or None."""
    parts = [f"{{{part}}}" for part in PARTS]
    for part in _PART.findall(pattern):
        if part not in PARTS:
            return Message("bad_name_pattern", {"kind": "part", "part": f"{{{part}}}", "parts": parts})
    if re.search(r"[{}/\\]", _PART.sub("", pattern)):
        return Message("bad_name_pattern", {"kind": "letter"})
    if not {"name", "number"} & set(_PART.findall(pattern)):
        return Message("bad_name_pattern", {"kind": "same"})
    return None


def usual_pattern(formats: Sequence[str]) -> str:
    """Return the default name pattern. It includes the width if several outputs have the same format.

    >>> usual_pattern(["webp", "jpeg"]), usual_pattern(["webp", "webp"])
    ('{name}.{ext}', '{name}-{width}.{ext}')
    """
    return AS_SOURCE if len(set(formats)) == len(formats) else BY_WIDTH


def by_page(pattern: str) -> str:
    """Return the default name pattern with the page number added, for results that are single pages.

    >>> by_page(AS_SOURCE), by_page(BY_WIDTH)
    ('{name}-{page}.{ext}', '{name}-{page}-{width}.{ext}')
    """
    return pattern.replace("{name}", "{name}-{page}")


def result_name(pattern: str, result: Named) -> str:
    """Return the name of a result, adding the extension if the pattern has none, so that systems can open it.

    >>> hero = Named("hero", 800, 450, "webp", "webp", 1, date(2026, 11, 26))
    >>> result_name("{name}-{width}.{ext}", hero), result_name("{date} {number}", hero)
    ('hero-800.webp', '2026-11-26 001.webp')
    """
    name = _PART.sub(lambda part: result.part(part[1]), pattern)
    stem = name.removesuffix(f".{result.ext}")
    return fitted(clean_name(stem) if stem != result.name else stem, f".{result.ext}")


def folder_of(name: str) -> str:
    """Return the folders in a user's file name, as a path that is valid on every system, or an empty string.

    >>> folder_of("Holiday/day1/a.jpg"), folder_of("../../etc/passwd"), folder_of("C:\\\\x\\\\a.jpg")
    ('Holiday/day1', 'etc', 'C_/x')
    """
    folders = [folder for folder in name.replace("\\", "/").split("/")[:-1] if folder.strip(" .")]
    return "/".join(portable_name(clean_name(folder)) for folder in folders)[:200].rstrip("/ .")
