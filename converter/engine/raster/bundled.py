"""The C libraries inside our wheels: which versions are here, and which are too old to be given a stranger's file."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

from PIL import features

from .codecs import CODECS

# Below these a file can do harm. By library: the lowest version, and an advisory that the ones before are open to.
# There is none for what reads only our own files (fonts), nor for zlib: the system's, patched without a new number.
_LOWEST = {
    "libjpeg-turbo": ("3.0.0", "CVE-2023-2804"),
    "libwebp": ("1.3.2", "CVE-2023-4863"),
    "libavif": ("1.3.0", "CVE-2025-48174"),
    "dav1d": ("1.4.0", "CVE-2024-1580"),
    "libtiff": ("4.7.2", "CVE-2026-4775"),
    "openjpeg": ("2.5.4", "CVE-2025-54874"),
    "lcms2": ("2.19", "CVE-2026-41254"),
    "libheif": ("1.23.6", "CVE-2026-84383"),
    "libde265": ("1.1.2", "GHSA-xp3h-6f5r-8cxp"),
}

# What every format needs, as Pillow names it: colours and watermarks.
_NEEDED = ("littlecms2", "freetype2")

# As Pillow names them. What it says of "jpg" is the interface's version, of "zlib_ng" the one it was built with.
_IN_PILLOW = {
    "libjpeg-turbo": "libjpeg_turbo",
    "libwebp": "webp",
    "libavif": "avif",
    "libtiff": "libtiff",
    "openjpeg": "jpg_2000",
    "lcms2": "littlecms2",
    "zlib": "zlib",
    "freetype": "freetype2",
    "raqm": "raqm",
    "harfbuzz": "harfbuzz",
    "fribidi": "fribidi",
}


@dataclass(frozen=True)
class Library:
    """`version` is what the library itself says, empty when it says nothing."""

    name: str
    version: str

    @property
    def lowest(self) -> str:
        """The lowest safe version; empty where a stranger's file does not reach the library."""
        return _LOWEST.get(self.name, ("", ""))[0]

    @property
    def problem(self) -> str:
        """What speaks against giving it a stranger's file; empty when nothing does."""
        if not self.lowest:
            return ""
        needed = f"{self.lowest} or later is needed ({_LOWEST[self.name][1]})"
        if not self.version:
            return f"{self.name} does not tell its version; {needed}."
        if _numbers(self.version) < _numbers(self.lowest):
            return f"{self.name} {self.version} is not safe; {needed}."
        return ""


@cache
def libraries() -> tuple[Library, ...]:
    """Return the libraries that are here, those that read strangers' files first."""
    found = {**_in_pillow(), **_in_avif(), **_in_heif()}
    names = sorted(found, key=lambda name: (name not in _LOWEST, name))
    return tuple(Library(name, found[name]) for name in names)


def check() -> list[str]:
    """Return what is missing for the formats in the table, or not safe; empty when all is well."""
    missing = [f"Pillow was built without {name}." for name in _NEEDED if not features.check(name)]
    missing += [problem for codec in CODECS.values() for problem in codec.problems()]
    return missing + [library.problem for library in libraries() if library.problem]


def _in_pillow() -> dict[str, str]:
    here = {name: feature for name, feature in _IN_PILLOW.items() if features.check(feature)}
    return {name: features.version(feature) or "" for name, feature in here.items()}


def _in_avif() -> dict[str, str]:
    """libavif lists its codecs as `dav1d [dec]:1.5.3-0-gb546257, aom [enc]:3.14.1`."""
    if not features.check("avif"):
        return {}
    from PIL import _avif

    return dict(re.findall(r"(\w+)(?: \[[\w/]+\])?:v?([\d.]+)", _avif.codec_versions()))


def _in_heif() -> dict[str, str]:
    import pillow_heif

    info = pillow_heif.libheif_info()
    decoder = re.search(r"[\d.]+$", info["decoders"].get("libde265", ""))
    return {"libheif": info["libheif"], **({"libde265": decoder[0]} if decoder else {})}


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", version))
