"""File names for display, for keys in a bucket, and for the file systems where users unpack results."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator

from .formats import FORMATS

NAME_MAX = 255  # bytes, on Linux; on Windows and macOS 255 UTF-16 units, which allow at least as much
MOST_OF_KEY = 100  # bytes
EXTENSIONS = {f".{extension}" for format in FORMATS.values() for extension in format.extensions}

# Marks that change the text direction, which can disguise a name as another one.
DIRECTION = set("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
CONTROLS = {"Cc", "Cs", "Zl", "Zp"}
# Spaces, Unicode's Default_Ignorable_Code_Point, and the blank pattern of braille.
INVISIBLE = re.compile(
    r"[\s\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u2800"
    r"\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]*"
)

# Microsoft, "Naming Files, Paths, and Namespaces".
REFUSED_BY_WINDOWS = re.compile(r'[<>:"/\\|?*\x00-\x1f]')
DEVICES = re.compile(r"(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[0-9¹²³])\s*(\.|$)", re.IGNORECASE)


def clean_name(name: str) -> str:
    """Return a name for display: without path, control characters or direction marks, at most 255 bytes."""
    name = clean_text(name.replace("\\", "/").rsplit("/", 1)[-1]).strip(" .")
    stem, suffix = split_extension(name)
    return fitted("image" if INVISIBLE.fullmatch(stem) else stem, suffix).rstrip(" .")


def clean_text(text: str) -> str:
    """Return a text for display: without control characters or direction marks, empty if nothing is visible.

    >>> clean_text(" My\u202e recipe "), clean_text("\u200b\u2063")
    ('My recipe', '')
    """
    text = unicodedata.normalize("NFC", text)
    text = "".join(c for c in text if c not in DIRECTION and unicodedata.category(c) not in CONTROLS).strip()
    return "" if INVISIBLE.fullmatch(text) else text


def split_extension(name: str) -> tuple[str, str]:
    """Return the stem and the extension with its dot. Only image extensions count, otherwise it is empty."""
    stem, dot, extension = name.rpartition(".")
    return (stem, dot + extension) if stem and f".{extension.lower()}" in EXTENSIONS else (name, "")


def fitted(stem: str, suffix: str, most: int = NAME_MAX) -> str:
    """Return stem and extension as a name of at most `most` UTF-8 bytes, shortening the stem if necessary."""
    room = most - _size(suffix)
    cut = stem
    while _size(cut) > room:
        cut = cut[:-1]
    return (cut if cut == stem else cut.rstrip(" .\u200d")) + suffix


def safe_name(name: str) -> str:
    """Return the name for use in a key: at most 100 bytes, all characters safe in shells and URLs."""
    stem, suffix = split_extension(name)
    stem = re.sub(r"[^-\w.]", "", stem.strip().replace(" ", "_")).strip(".")
    return fitted(stem or "image", suffix, MOST_OF_KEY)


def portable_name(name: str) -> str:
    """Return a name that all systems accept. Windows forbids some characters, endings and device names."""
    name = REFUSED_BY_WINDOWS.sub("_", name).rstrip(" .") or "image"
    return fitted(*split_extension(f"_{name}")) if DEVICES.match(name) else name


def distinct(names: Iterable[str], taken: Iterable[str] = ()) -> Iterator[str]:
    """Yield the names, with a number added to those that are taken or repeated (ignoring case).

    Names may contain folders, separated by slashes. No file gets the name of a folder.
    """
    names = list(names)
    seen = {name.casefold() for name in [*taken, *folders_of(names)]}
    last: dict[str, int] = {}
    for name in names:
        stem, suffix = split_extension(name)
        free, number = name, last.get(name.casefold(), 1)
        while free.casefold() in seen:
            number += 1
            free = fitted(stem, f" ({number}){suffix}")
        last[name.casefold()] = number
        seen.add(free.casefold())
        yield free


def folders_of(paths: Iterable[str]) -> set[str]:
    """Return all parent folders of these paths.

    >>> sorted(folders_of(["a/b/c.png", "d.png"]))
    ['a', 'a/b']
    """
    parts = [path.split("/") for path in paths]
    return {"/".join(names[:depth]) for names in parts for depth in range(1, len(names))}


def _size(text: str) -> int:
    return len(text.encode(errors="surrogateescape"))
