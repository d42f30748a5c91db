"""Other programs that decode the same files to sRGB with alpha, with 8 bits per channel.

They raise Unread for files they cannot read, and Missing if they are not installed.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Mapping
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import imagecodecs
import numpy as np
import pyvips
import tifffile
from PIL import Image

from .case import Rgba, Samples

_WHITE_IS_ZERO, _BLACK_IS_ZERO, _RGB, _PALETTE, _CMYK, _LAB = 0, 1, 2, 3, 5, 8
_ASSOCIATED, _UNASSOCIATED = 1, 2


# CIE constants; the matrix is sRGB's, adapted to D50 by Bradford (Lindbloom).
_D50 = np.array([0.96422, 1.0, 0.82521])
_D50_TO_LINEAR = np.array(
    [
        [3.1338561, -1.6168667, -0.4906146],
        [-0.9787684, 1.9161415, 0.0334540],
        [0.0719453, -0.2289914, 1.4052427],
    ]
)


class Unread(Exception):
    """The program cannot read this file."""


class Missing(RuntimeError):
    """The program is not installed; the message says what to install."""


def rgba(samples: Samples) -> Rgba:
    """Convert 1 to 4 channels with values from 0 to 1 to RGBA."""
    color = samples[..., :3] if samples.shape[2] > 2 else np.repeat(samples[..., :1], 3, axis=2)
    alpha = samples[..., -1:] if samples.shape[2] in (2, 4) else np.ones_like(samples[..., :1])
    return np.clip(np.round(np.concatenate([color, alpha], axis=2) * 255), 0, 255).astype(np.uint8)


def by_tifffile(data: bytes, suffix: str) -> Rgba:
    """Return the samples read by tifffile, interpreted here according to TIFF 6.0."""
    try:
        with tifffile.TiffFile(BytesIO(data)) as file:
            page: Any = file.pages.first
            values = page.asarray()
            photometric, extra = int(page.photometric), tuple(int(kind) for kind in page.extrasamples)
            separate, bits, kind = int(page.planarconfig) == 2, int(page.bitspersample), values.dtype.kind
            colors = page.colormap
    except (ValueError, KeyError, RuntimeError, tifffile.TiffFileError) as exc:
        raise Unread from exc
    if photometric not in (_WHITE_IS_ZERO, _BLACK_IS_ZERO, _RGB, _PALETTE, _CMYK, _LAB):
        raise Unread
    if values.ndim == 3 and separate:
        values = np.moveaxis(values, 0, -1)
    if values.ndim == 2:
        values = values[..., np.newaxis]
    if photometric == _PALETTE:
        return rgba(np.moveaxis(colors[:, values[..., 0].astype(int)], 0, -1) / 65_535)
    if photometric == _LAB:
        return rgba(_srgb_of(values.astype(np.float64) / ((1 << bits) - 1)))
    if kind == "i":
        raise Unread  # the standard does not define signed samples
    scaled = values.astype(np.float64) / (1 if kind == "f" else (1 << bits) - 1)
    return _shown(scaled, photometric, extra)


def _shown(values: Samples, photometric: int, extra: tuple[int, ...]) -> Rgba:
    count = values.shape[2] - len(extra)
    color, others = values[..., :count], values[..., count:]
    opacity = [at for at, kind in enumerate(extra) if kind in (_ASSOCIATED, _UNASSOCIATED)]
    if photometric == _WHITE_IS_ZERO:
        color = 1 - color
    if opacity:
        alpha = others[..., opacity[0] : opacity[0] + 1]
        if extra[opacity[0]] == _ASSOCIATED:
            color = np.where(alpha > 0, color / np.maximum(alpha, 1e-9), 0)
    if photometric == _CMYK:
        color = (1 - color[..., :3]) * (1 - color[..., 3:])
    return rgba(np.concatenate([color, alpha], axis=2) if opacity else color)


def _srgb_of(values: Samples) -> Samples:
    """Convert CIE L*a*b* (D50) to sRGB; a* and b* are signed (TIFF 6.0, section 23)."""
    lightness, others = values[..., :1] * 100, ((values[..., 1:] + 0.5) % 1 - 0.5) * 255
    middle = (lightness + 16) / 116
    roots = np.concatenate([middle + others[..., :1] / 500, middle, middle - others[..., 1:] / 200], axis=2)
    cubes = np.where(roots > 6 / 29, roots**3, 3 * (6 / 29) ** 2 * (roots - 4 / 29)) * _D50
    light = np.clip(cubes @ _D50_TO_LINEAR.T, 0, 1)
    shown: Samples = np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    return shown


def by_vips(data: bytes, suffix: str) -> Rgba:
    try:
        image = pyvips.Image.new_from_buffer(data, "", fail_on="error")
        if image.format in ("float", "double", "char", "short", "int", "uint"):
            raise Unread  # it reads such samples as 0 to 255
        if image.interpretation in ("cmyk", "lab", "labq", "labs"):
            raise Unread  # it uses a profile of its own
        image = image.colourspace("srgb") if image.interpretation != "multiband" else image
        values = image.numpy().astype(np.float64)
    except pyvips.Error as exc:
        raise Unread from exc
    if values.ndim == 2:
        values = values[..., np.newaxis]
    if image.format != "uchar" or values.shape[2] > 4:
        raise Unread
    return rgba(values / 255)


def by_magick(data: bytes, suffix: str) -> Rgba:
    program = shutil.which("convert")
    if not program:
        raise Missing("The oracles need ImageMagick: apt install imagemagick")
    with TemporaryDirectory() as folder:
        source = Path(folder, f"source.{suffix}")
        source.write_bytes(data)
        target = Path(folder, "target.png")
        made = subprocess.run(
            [program, f"{source}[0]", "-colorspace", "sRGB", "-depth", "8", f"PNG32:{target}"],
            capture_output=True,
            timeout=60,
        )
        if made.returncode or made.stderr or not target.exists():
            raise Unread(made.stderr.decode(errors="replace")[:200])
        return np.asarray(Image.open(target).convert("RGBA"))


def by_heif(data: bytes, suffix: str) -> Rgba:
    """Return the picture as decoded by libheif's command-line tool."""
    program = shutil.which("heif-convert")
    if not program:
        raise Missing("The oracles need libheif's programs: apt install libheif-examples")
    with TemporaryDirectory() as folder:
        source, target = Path(folder, f"source.{suffix}"), Path(folder, "target.png")
        source.write_bytes(data)
        made = subprocess.run([program, source, target], capture_output=True, timeout=60)
        if made.returncode or not target.exists():
            raise Unread(made.stderr.decode(errors="replace")[:200])
        return np.asarray(Image.open(target).convert("RGBA"))


def by_openjpeg(data: bytes, suffix: str) -> Rgba:
    """Return the samples decoded by OpenJPEG: colours, then alpha."""
    values = np.asarray(imagecodecs.jpeg2k_decode(data))
    at = data.index(b"\xff\x4f\xff\x51")
    bits = (data[at + 42] & 0x7F) + 1
    grid = values if values.ndim == 3 else values[..., np.newaxis]
    return rgba(grid.astype(np.float64) / ((1 << bits) - 1))


Witness = Callable[[bytes, str], Rgba]

WITNESSES: Mapping[str, Witness] = {
    "tifffile": by_tifffile,
    "vips": by_vips,
    "magick": by_magick,
    "openjpeg": by_openjpeg,
    "heif": by_heif,
}
