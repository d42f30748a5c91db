"""A recipe in plain words, such as "WebP, quality 80, fit in 1600×1600, location removed"."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .messages import Message
from .recipe import Recipe, Resize, Watermark


def summary(recipe: Recipe) -> list[Message]:
    """Return what the recipe asks for beyond the defaults, piece by piece."""
    return [Message(f"recipe_{code}", params) for code, params in _pieces(recipe)]


def sentence(recipe: Recipe) -> str:
    """Return the summary as one line of English."""
    return ", ".join(piece.text for piece in summary(recipe))


Piece = tuple[str, dict[str, Any]]


def _pieces(recipe: Recipe) -> Iterator[Piece]:
    if recipe.is_auto:
        yield "format", {"kind": "auto"}
    else:
        yield "format", {"format": recipe.target.label}
    yield from _quality(recipe)
    if recipe.effort is not None:
        yield "effort", {"effort": recipe.effort}
    if not recipe.progressive:
        yield "not_progressive", {}
    yield from _geometry(recipe)
    if recipe.background != "#ffffff":
        transparent = recipe.background == "transparent"
        yield "background", {"kind": "transparent"} if transparent else {"color": recipe.background}
    if recipe.watermark:
        yield "watermark", _watermark(recipe.watermark)
    if recipe.color == "keep":
        yield "profile_kept", {}
    if recipe.dpi:
        yield "dpi", {"dpi": recipe.dpi}
    if recipe.frames == "first":
        yield "first_frame", {}
    yield "metadata", {"kind": recipe.metadata}


def _quality(recipe: Recipe) -> Iterator[Piece]:
    if recipe.lossless:
        yield "lossless", {}
    if recipe.quality is not None:
        yield "quality", {"quality": recipe.quality}
    if recipe.aim is not None:
        yield "aim", {"kind": recipe.aim}
    if recipe.target_bytes is not None:
        smaller = {"kind": "or_smaller"} if recipe.shrink_to_fit else {}
        yield "target_bytes", {**smaller, "bytes": recipe.target_bytes}


def _geometry(recipe: Recipe) -> Iterator[Piece]:
    if crop := recipe.crop:
        yield "crop", {"width": crop.width, "height": crop.height, "x": crop.x, "y": crop.y}
    if recipe.rotate:
        yield "rotate", {"degrees": recipe.rotate}
    if recipe.flip:
        yield "flip", {"kind": recipe.flip}
    if recipe.resize:
        yield from _resize(recipe.resize)


def _resize(resize: Resize) -> Iterator[Piece]:
    if resize.scale:
        yield "scale", {"percent": resize.scale}
        return
    sides = {"width": resize.width, "height": resize.height}
    given = {name: side for name, side in sides.items() if side}
    yield "resize", {"kind": "_".join([resize.mode, *(given if len(given) == 1 else ())]), **given}
    if resize.enlarge:
        yield "enlarge", {}


def _watermark(mark: Watermark) -> dict[str, Any]:
    tiled = "_tiled" if mark.tile else ""
    return {"kind": f"text{tiled}", "text": mark.text} if mark.text else {"kind": f"image{tiled}"}
