"""Print resolution: read from wherever a file stores it, written wherever the format has a place for it."""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator
from typing import Any

from PIL import ExifTags, Image, TiffTags

from converter.engine.recipe import Recipe

Density = tuple[float, float]
"""Pixels per inch, horizontal and vertical."""

_Base = ExifTags.Base
_EXIF = b"Exif\0\0"
_INCH, _CENTIMETRE = 2, 3
_CENTIMETRES_AN_INCH = 2.54
_MILLIMETRES_AN_INCH = 25.4
_MOST = 65_535  # JFIF stores it in two bytes

_PAPERS = {"a4": (210 / 25.4, 297 / 25.4), "letter": (8.5, 11.0)}
"""Portrait paper sizes in inches (ISO 216; ANSI/ASME Y14.1)."""

# The largest rounding error of a header in pixels per metre: 299.9994 stands for 300.
_ROUNDING = 0.02

_SILENT_PDF = (150.0, 150.0)
_LONGEST_PAGE = 14_400 / 72
"""The longest page in inches that PDF readers show (ISO 32000-1, annex C)."""


def read(said: Any, image: Image.Image) -> Density | None:
    """Return the resolution of the opened file, from the format's own field, else from EXIF; None if unknown.

    `said` is the value of the format's field.
    """
    return _plausible(said) or _of_exif(image)


def arguments(
    said: Density | None, sideways: bool, recipe: Recipe, size: tuple[int, int], exif: bytes
) -> dict[str, Any]:
    """Return the encoder arguments for the resolution: `dpi` if the format has a field for it, and `exif`.

    `said` is the source's resolution, `sideways` whether the picture was rotated by 90° or 270°, `size` the
    finished picture's, and `exif` the block that is written in any case, if any.
    """
    density = wanted(said, sideways, recipe)
    target = recipe.target
    found: dict[str, Any] = {}
    if density and target.exif and (exif or (recipe.dpi and not target.has_density)):
        found["exif"] = _in_exif(exif, density, add=not target.has_density)
    if target.paper:
        found["dpi"] = _on_paper(density or _SILENT_PDF, size)
    elif target.has_density and density:
        found["dpi"] = density
    return found


def wanted(said: Density | None, sideways: bool, recipe: Recipe) -> Density | None:
    """Return the resolution of the finished picture; None if unknown. For the arguments see `arguments`."""
    if recipe.dpi:
        return float(recipe.dpi), float(recipe.dpi)
    return (said[1], said[0]) if said and sideways else said


def margins(said: Density | None, recipe: Recipe) -> tuple[int, int]:
    """Return the recipe's horizontal and vertical margin in pixels, at this resolution."""
    across, down = said or _SILENT_PDF
    inches = recipe.margin / _MILLIMETRES_AN_INCH
    return round(inches * across), round(inches * down)


def sheet(recipe: Recipe, size: tuple[int, int]) -> tuple[Density, Density]:
    """Return the recipe's paper size for a picture of this size, and the size within margins, in inches."""
    across, down = _PAPERS[recipe.page or ""]
    if recipe.orientation == "landscape" or (recipe.orientation == "auto" and size[0] > size[1]):
        across, down = down, across
    both = 2 * recipe.margin / _MILLIMETRES_AN_INCH
    return (across, down), (across - both, down - both)


def paper(page: str, size: tuple[int, int]) -> Density:
    """Return the size of this paper in inches, in the orientation of the picture."""
    across, down = _PAPERS[page]
    return (down, across) if size[0] > size[1] else (across, down)


def _of_exif(image: Image.Image) -> Density | None:
    try:
        exif = Image.Image.getexif(image)
        across = float(exif[_Base.XResolution])
        down = float(exif.get(_Base.YResolution, across))
        unit = exif.get(_Base.ResolutionUnit, _INCH)
    except Exception:
        # Pillow's EXIF parser may raise anything: treat a damaged block as empty.
        return None
    times = {_INCH: 1.0, _CENTIMETRE: _CENTIMETRES_AN_INCH}.get(unit)
    return _plausible((across * times, down * times)) if times else None


def _plausible(said: Any) -> Density | None:
    """Return the rounded value; None if implausible, such as 1, which some programs write for "none"."""
    try:
        across, down = (float(part) for part in said)
    except (TypeError, ValueError, ZeroDivisionError):
        return None
    if not all(math.isfinite(part) and 1 < part <= _MOST for part in (across, down)):
        return None
    return _tidy(across), _tidy(down)


def _tidy(value: float) -> float:
    return float(round(value)) if abs(value - round(value)) < _ROUNDING else round(value, 2)


def _in_exif(exif: bytes, density: Density, *, add: bool) -> bytes:
    """Return the block with this resolution, so that it does not contradict the format's own field.

    Values are replaced in place, because Pillow would write the block's texts as ASCII. Missing values are
    added only if `add` is set, for formats without a field of their own.
    """
    patched = bytearray(exif)
    found = set()
    for tag, at, endian in _entries(exif):
        if tag in (_Base.XResolution, _Base.YResolution):
            value = density[tag == _Base.YResolution]
            struct.pack_into(endian + "II", patched, at, round(value * 100), 100)
            found.add(tag)
        if tag == _Base.ResolutionUnit:
            struct.pack_into(endian + "H", patched, at, _INCH)
    if len(found) == 2 or not add:
        return bytes(patched)
    block = Image.Exif()
    if exif:
        block.load(exif)
    block[_Base.XResolution], block[_Base.YResolution] = density
    block[_Base.ResolutionUnit] = _INCH
    return block.tobytes()


def _entries(exif: bytes) -> Iterator[tuple[int, int, str]]:
    """Yield the tag, value offset and byte order of each resolution entry in the first directory."""
    start = len(_EXIF) if exif.startswith(_EXIF) else 0
    endian = "<" if exif[start : start + 2] == b"II" else ">"
    try:
        first = start + struct.unpack_from(endian + "I", exif, start + 4)[0]
        count = struct.unpack_from(endian + "H", exif, first)[0]
        for entry in range(first + 2, first + 2 + 12 * count, 12):
            tag, kind, values, offset = struct.unpack_from(endian + "HHII", exif, entry)
            is_fraction = kind == TiffTags.RATIONAL and start + offset + 8 <= len(exif)
            if tag in (_Base.XResolution, _Base.YResolution) and values == 1 and is_fraction:
                yield tag, start + offset, endian
            if tag == _Base.ResolutionUnit and kind == TiffTags.SHORT and values == 1:
                yield tag, entry + 8, endian
    except struct.error:
        return


def _on_paper(density: Density, size: tuple[int, int]) -> Density:
    """Return the resolution, raised if needed to keep the page within the size that PDF readers show."""
    inches = max(side / part for side, part in zip(size, density, strict=True))
    times = max(1.0, inches / _LONGEST_PAGE)
    return density[0] * times, density[1] * times
