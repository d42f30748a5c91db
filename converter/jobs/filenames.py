"""What files are called: by people, and in a bucket."""

from __future__ import annotations

import unicodedata
from pathlib import PurePosixPath

from django.utils.text import get_valid_filename


def clean_name(name: str) -> str:
    """Return a file's name as shown to people: no path, no control or direction marks, at most 255 characters."""
    name = unicodedata.normalize("NFC", name).replace("\\", "/").rsplit("/", 1)[-1]
    name = "".join(c for c in name if unicodedata.category(c)[0] != "C").strip(" .")
    stem, suffix = PurePosixPath(name).stem, PurePosixPath(name).suffix[:20]
    return (stem[: 255 - len(suffix)] + suffix) or "image"


def safe_name(name: str) -> str:
    """Return the name as the last part of a key: at most 100 bytes, nothing that a shell or URL would trip over."""
    suffix = PurePosixPath(name).suffix
    stem = PurePosixPath(name).stem.encode()[: 100 - len(suffix.encode())].decode(errors="ignore")
    return get_valid_filename(f"{stem or 'image'}{suffix}")
