"""The compared engines: each is a long-running process with one line per request and response."""

from __future__ import annotations

import ctypes.util
import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from converter.sandbox.client import ENVIRONMENT
from tests.engine import sharp

HERE = Path(__file__).parent
ROOT = HERE.parents[2]
BUILD = ROOT / "build"
PHOTOGRAPHS = Path("/usr/share/backgrounds/mate")
THUMBOR = BUILD / "thumbor"

# Options that make sharp's files comparable: JPEG by mozjpeg at its smallest, like our default, or progressive
# where ours is plain; lossless TIFF like the others; PNG with a filter per row (a third smaller than its default
# and as small as ours); AVIF with the others' chroma subsampling.
_PLAIN_JPEG = {"progressive": True}
_FOR_SHARP: Mapping[str, Mapping[str, object]] = {
    "jpeg": {"mozjpeg": True},
    "tiff": {"compression": "deflate", "predictor": "horizontal"},
    "png": {"adaptiveFiltering": True},
    "avif": {"chromaSubsampling": "4:2:0"},
}


@dataclass(frozen=True)
class Order:
    """One conversion. `width` in pixels keeps the aspect ratio; `flatten` is the background colour."""

    source: Path
    format: str
    quality: int | None = None
    width: int | None = None
    animated: bool = False
    flatten: str | None = None
    plain: bool = False
    """Whether to encode as fast as possible, for formats where that is not the default."""

    def as_fields(self) -> dict[str, Any]:
        return {
            "source": str(self.source),
            "format": self.format,
            "quality": self.quality,
            "width": self.width,
            "animated": self.animated,
            "flatten": self.flatten,
            "plain": self.plain,
        }

    def for_sharp(self) -> dict[str, Any]:
        return {
            "act": "convert",
            "source": str(self.source),
            "format": self.format,
            "options": {
                **(_PLAIN_JPEG if self.plain else _FOR_SHARP.get(self.format, {})),
                **({"quality": self.quality} if self.quality else {}),
            },
            "resize": {"width": self.width, "withoutEnlargement": True} if self.width else None,
            "animated": self.animated,
            "flatten": self.flatten,
        }


@dataclass(frozen=True)
class Rival:
    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str]
    folder: Path = ROOT
    threads_itself: bool = False
    """Whether one process handles many requests at once; other engines get one process per core."""

    def order(self, order: Order) -> dict[str, Any]:
        return order.for_sharp() if self.folder == sharp.HOME else order.as_fields()


OURS = Rival("ours", (sys.executable, str(HERE / "ours.py")), {"PYTHONPATH": str(ROOT)})
SHARP = Rival("sharp", tuple(sharp.command()), {}, sharp.HOME, threads_itself=True)
IMAGEMAGICK = Rival("ImageMagick", (sys.executable, str(HERE / "imagemagick.py")), {"OMP_NUM_THREADS": "1"})
THUMBOR_PILLOW = Rival("thumbor", (str(THUMBOR / "bin" / "python"), str(HERE / "thumbor_pil.py")), {})
RIVALS = (SHARP, IMAGEMAGICK, THUMBOR_PILLOW)


class Worker:
    """A process of a rival; use as a context manager."""

    def __init__(self, rival: Rival, cores: set[int]) -> None:
        self.rival = rival
        threads = {"UV_THREADPOOL_SIZE": str(max(len(cores), 1))} if rival.threads_itself else {}
        if rival.threads_itself and len(cores) == 1:
            threads["THREADS"] = "1"
        self._process = subprocess.Popen(
            rival.command,
            cwd=rival.folder,
            # The sandbox's allocator settings, for all engines: Pillow gains from huge pages, sharp does not.
            env={**os.environ, **ENVIRONMENT, **rival.environment, **threads},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            preexec_fn=lambda: os.sched_setaffinity(0, cores),
        )

    def __enter__(self) -> Worker:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate()

    def send(self, order: Order, **more: Any) -> None:
        assert self._process.stdin is not None
        print(json.dumps({**self.rival.order(order), **more}), file=self._process.stdin, flush=True)

    def receive(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"{self.rival.name} ended: {self._process.wait()}")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def ask(self, order: Order, **more: Any) -> dict[str, Any]:
        self.send(order, **more)
        return self.receive()

    def peak_memory(self) -> int:
        """Return the peak resident bytes of the process."""
        for line in Path(f"/proc/{self._process.pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
        raise RuntimeError("this system does not tell a process's peak memory")


def install() -> None:
    """Install the rivals, except those that need root.

    Raises SystemExit with a list of what is missing.
    """
    install_packages()
    try:
        sharp.install()
    except sharp.Missing as exc:
        raise SystemExit(str(exc)) from exc
    install_environment("thumbor")


def install_packages() -> None:
    missing = []
    if not PHOTOGRAPHS.is_dir():
        missing.append("mate-backgrounds")
    if not any(ctypes.util.find_library(f"MagickWand-{name}") for name in ("6.Q16", "7.Q16", "7.Q16HDRI")):
        missing.append("imagemagick")
    if not missing:
        return
    if os.geteuid() != 0:
        raise SystemExit(f"The benchmark needs packages: sudo apt-get install {' '.join(missing)}")
    subprocess.run(
        ["apt-get", "install", "--yes", "--quiet", "--no-install-recommends", *missing], check=True
    )


def install_environment(name: str) -> None:
    """Install the lock file of this name into `build/`, unless done before."""
    folder, wanted = BUILD / name, HERE / f"{name}.txt"
    stamp = folder / "installed"
    digest = hashlib.sha256(wanted.read_bytes()).hexdigest()
    if stamp.exists() and stamp.read_text() == digest:
        return
    subprocess.run([sys.executable, "-m", "venv", "--clear", str(folder)], check=True)
    pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "-qq", "--disable-pip-version-check"]
    subprocess.run([*pip, "--no-deps", "--require-hashes", "-r", str(wanted)], check=True)
    stamp.write_text(digest)
