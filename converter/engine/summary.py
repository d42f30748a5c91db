"""A recipe as text, such as "WebP, quality 80, fit in 1600×1600, location removed"."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from typing import Any

from .messages import Message
from .recipe import Recipe
from .recipe_parts import Resize, Watermark


def summary(recipe: Recipe) -> list[Message]:
    """Return a message for each option of the recipe that differs from its default."""
    return [Message(f"recipe_{code}", params) for code, params in _pieces(recipe)]


def sentence(recipe: Recipe) -> str:
    """Return the summary as one line of English."""
    return ", ".join(piece.text for piece in summary(recipe))


Piece = tuple[str, dict[str, Any]]


# Options whose text depends on more than their value.
_TOLD_APART = frozenset(
    {
        "format",
        "target_bytes",
        "shrink_to_fit",
        "resize",
        "crop",
        "focal_point",
        "rotate",
        "background",
        "watermark",
        "metadata",
        "pages",
    }
)


def _pieces(recipe: Recipe) -> Iterator[Piece]:
    yield "format", {"kind": "auto"} if recipe.is_auto else {"format": recipe.target.label}
    if recipe.pages:
        yield "pages", {"pages": recipe.pages}
    yield from _plain(recipe)
    if recipe.target_bytes is not None:
        smaller = {"kind": "or_smaller"} if recipe.shrink_to_fit else {}
        yield "target_bytes", {**smaller, "bytes": recipe.target_bytes}
    yield from _geometry(recipe)
    if recipe.background != "#ffffff":
        transparent = recipe.background == "transparent"
        yield "background", {"kind": "transparent"} if transparent else {"color": recipe.background}
    if recipe.watermark:
        yield "watermark", _watermark(recipe.watermark)
    yield "metadata", {"kind": recipe.metadata}


def _plain(recipe: Recipe) -> Iterator[Piece]:
    """Yield the options whose text only depends on their value. A new option only needs a template."""
    for option in fields(recipe):
        value = getattr(recipe, option.name)
        if value == option.default or option.name in _TOLD_APART:
            continue
        if isinstance(value, bool):
            yield option.name, {}
        elif isinstance(value, str):
            yield option.name, {"kind": value}
        else:
            yield option.name, {option.name: value}


def _geometry(recipe: Recipe) -> Iterator[Piece]:
    if crop := recipe.crop:
        yield "crop", {"width": crop.width, "height": crop.height, "x": crop.x, "y": crop.y}
    if recipe.rotate:
        yield "rotate", {"degrees": recipe.rotate}
    if recipe.resize:
        yield from _resize(recipe.resize)
    if point := recipe.focal_point:
        yield "focal_point", {"x": point.x * 100, "y": point.y * 100}


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
