"""The pictures to judge quality modes by: photos, portraits, drawings, screenshots, text and grey pictures.

They come from Debian packages, which are downloaded and unpacked into `build/`, not installed.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from PIL import Image

from . import pictures
from .rivals import BUILD, PHOTOGRAPHS

_FOLDER = BUILD / "gallery"
_WALLPAPERS = "usr/share/backgrounds"
_SCIENCE = "usr/lib/python3/dist-packages/skimage/data"
_SCREENSHOTS = "usr/share/doc/debian-handbook/html/en-US/images"

# The files of each package, without those that repeat another or are nearly empty.
_PACKAGES: Mapping[str, Mapping[str, Sequence[str]]] = {
    "lomiri-wallpapers-16.04": {_WALLPAPERS: ("*.jpg",)},
    "ukui-wallpapers": {_WALLPAPERS: ("*.jpg", "calla.png", "f*.png", "goldfish.png")},
    "gnome-backgrounds": {f"{_WALLPAPERS}/gnome": ("[a-u]*-l.webp", "wood-d.webp")},
    "python3-skimage": {
        _SCIENCE: (
            *(
                "astronaut.png",
                "camera.png",
                "chelsea.png",
                "coffee.png",
                "rocket.jpg",
                "motorcycle_left.png",
            ),
            *("brick.png", "grass.png", "coins.png", "moon.png", "ihc.png", "hubble_deep_field.jpg"),
        )
    },
    "python-matplotlib-data": {"usr/share/matplotlib/mpl-data/sample_data": ("grace_hopper.jpg",)},
    "debian-handbook": {
        _SCREENSHOTS: (
            *("gnome.png", "kde.png", "lxqt.png", "firefox.png", "thunderbird.png", "wireshark.png"),
            *("synaptic.png", "aptitude.png", "inst-country-txt.png", "developers-map.png"),
        )
    },
}


def photographs() -> Iterator[Image.Image]:
    """Yield each picture of `mate-backgrounds`, except the one that it has in several sizes."""
    yield from map(opened, _photographs())


def gallery() -> Iterator[tuple[str, Image.Image]]:
    """Yield every picture with its name."""
    for path in _photographs():
        yield path.name, opened(path)
    yield "screenshot", opened(pictures.screenshot(1920, 1080))
    for package, folders in _PACKAGES.items():
        unpacked = _unpacked(package)
        for folder, patterns in folders.items():
            paths = {path for pattern in patterns for path in (unpacked / folder).glob(pattern)}
            for path in sorted(paths):
                yield path.name, opened(path)


def _photographs() -> list[Path]:
    paths = sorted(PHOTOGRAPHS.glob("*/*"))
    return [path for path in paths if path.is_file() and "Elephants_" not in path.name]


def opened(path: Path) -> Image.Image:
    """Return the pixels without alpha and metadata; grey pictures stay grey."""
    with Image.open(path) as image:
        plain = image.convert("L" if image.mode == "L" else "RGB")
    plain.info.clear()  # the judge does not convert profiles
    return plain


def _unpacked(package: str) -> Path:
    folder = _FOLDER / package
    if not folder.is_dir():
        _FOLDER.mkdir(parents=True, exist_ok=True)
        subprocess.run(["apt-get", "download", "--quiet", package], cwd=_FOLDER, check=True)
        [file] = _FOLDER.glob(f"{package}_*.deb")
        draft = _FOLDER / f"draft-{package}"
        subprocess.run(["dpkg-deb", "--extract", file, draft], check=True)
        draft.rename(folder)
        file.unlink()
    return folder
