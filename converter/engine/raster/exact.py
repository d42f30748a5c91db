"""Convert between JPEG and JPEG XL losslessly, by repacking the compressed picture."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from converter.engine.limits import DEFAULT_LIMITS
from converter.engine.recipe import Recipe

from . import color
from .codecs import codec_for
from .codecs.jpeg_segments import is_all_read
from .decode import Opened, Picture, open_data


@dataclass(frozen=True)
class Exact:
    """A repacked file.

    `kind` is "whole" if the original file can be restored, "restored" if it has been, else "picture".
    """

    data: bytes
    kind: Literal["whole", "restored", "picture"]

    @property
    def is_whole(self) -> bool:
        return self.kind != "picture"


def exact(opened: Opened, picture: Picture, recipe: Recipe) -> Exact | None:
    """Return the file repacked in another format; None if the recipe changes pixels or otherwise prevents it.

    `picture` is the only picture of the file.
    """
    if recipe.is_auto or opened.facts.frames > 1 or not _is_plain(recipe) or not _fits(picture, recipe):
        return None
    keeps_all = _keeps_all(opened, recipe)
    # The orientation and the source type ("made by AI") would be lost with the metadata.
    told = opened.facts.orientation != 1 or opened.metadata.source_type
    if not keeps_all and (recipe.metadata != "strip" or told):
        return None
    data = codec_for(recipe.target).repacked(opened.data, opened.format, strip=not keeps_all)
    if data is None:
        return None
    if not keeps_all:
        return Exact(data, "picture")
    return Exact(data, "whole" if recipe.lossless else "restored")


def _is_plain(recipe: Recipe) -> bool:
    """Whether the recipe only asks for a format, losslessly."""
    plain = Recipe.parse({"format": recipe.format})
    asked = replace(
        recipe, lossless=plain.lossless, metadata=plain.metadata, color=plain.color, depth=plain.depth
    )
    return asked == plain and recipe.lossless == recipe.target.lossless_is_a_choice


def _fits(picture: Picture, recipe: Recipe) -> bool:
    """Whether the colours stay unchanged."""
    if picture.is_incomplete or picture.is_damaged or picture.space.hdr:
        return False
    profile = color.profile_of(picture.space.icc)
    return recipe.color == "keep" or profile is None or not profile.changes(picture.frame.image)


def _keeps_all(opened: Opened, recipe: Recipe) -> bool:
    if recipe.metadata == "strip_location":
        return _tells_no_place(opened)
    return recipe.metadata == "keep"


def _tells_no_place(opened: Opened) -> bool:
    """Whether the JPEG, also one inside a JPEG XL, has no location and nothing unread that may hold one."""
    if "location" in opened.metadata.kinds():
        return False
    jpeg = codec_for(opened.format).jpeg_inside(opened.data)
    if jpeg is None:
        return False
    found = open_data(jpeg, DEFAULT_LIMITS).metadata
    return not ("location" in found.kinds() or found.has_maker_note or found.unread) and is_all_read(jpeg)
