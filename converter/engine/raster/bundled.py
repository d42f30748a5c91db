"""The C libraries bundled in our wheels: their versions, and which are too old for untrusted files."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path

from PIL import features

from .codecs import CODECS

_ADVISORIES = tomllib.loads(Path(__file__).with_name("advisories.toml").read_text())
CHECKED: date = _ADVISORIES.pop("checked")
"""When the list of vulnerabilities was last compared with its sources."""

# Pillow features that all formats need, for colours and watermarks.
_NEEDED = ("littlecms2", "freetype2")

# By Pillow's feature names. Its "jpg" reports the API version, and "zlib_ng" the version it was built with.
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
    """`version` is what the library reports, or empty; `wheel` is the package that contains it."""

    name: str
    version: str
    wheel: str

    @property
    def lowest(self) -> str:
        """The lowest safe version; empty if the library never reads untrusted files."""
        return str(_ADVISORIES.get(self.name, {}).get("lowest", ""))

    @property
    def problem(self) -> str:
        """Why the library must not read untrusted files; empty if it may."""
        if not self.lowest:
            return ""
        needed = f"{self.lowest} or later is needed ({_ADVISORIES[self.name]['advisory']})"
        if not self.version:
            return f"{self.name} does not tell its version; {needed}."
        if _numbers(self.version) < _numbers(self.lowest):
            return f"{self.name} {self.version} is not safe; {needed}."
        return ""


@cache
def libraries() -> tuple[Library, ...]:
    """Return the libraries found; those that read untrusted files come first."""
    inside = {"pillow": {**_in_pillow(), **_in_avif()}, "pillow-heif": _in_heif()}
    found = [
        Library(name, version, wheel) for wheel, those in inside.items() for name, version in those.items()
    ]
    return tuple(sorted(found, key=lambda library: (library.name not in _ADVISORIES, library.name)))


def check() -> list[str]:
    """Return what is missing for the supported formats or unsafe; empty if there are no problems."""
    missing = [f"Pillow was built without {name}." for name in _NEEDED if not features.check(name)]
    missing += [problem for codec in CODECS.values() for problem in codec.problems()]
    return missing + [library.problem for library in libraries() if library.problem]


def notes() -> list[str]:
    """Return notes about what works worse than it could on this machine."""
    return [note for codec in CODECS.values() for note in codec.notes()]


def _in_pillow() -> dict[str, str]:
    here = {name: feature for name, feature in _IN_PILLOW.items() if features.check(feature)}
    return {name: features.version(feature) or "" for name, feature in here.items()}


def _in_avif() -> dict[str, str]:
    """Parse libavif's list of codecs, such as `dav1d [dec]:1.5.3-0-gb546257, aom [enc]:3.14.1`."""
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
