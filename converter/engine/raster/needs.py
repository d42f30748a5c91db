"""What a recipe needs of a file: which pictures, at which scale and with how many bits."""

from __future__ import annotations

from dataclasses import replace

from converter.engine.errors import NoSuchPage
from converter.engine.formats import ANIMATION_CANDIDATES
from converter.engine.recipe import Recipe

from . import steps
from .facts import Facts


def concrete(recipe: Recipe) -> Recipe:
    """Return the recipe with `auto` replaced by a format that can store everything its choices can."""
    return replace(recipe, format=ANIMATION_CANDIDATES[0].name) if recipe.is_auto else recipe


def pictures(recipe: Recipe, facts: Facts) -> list[int]:
    """Return the numbers of the pictures in the result, starting from 0. Raises NoSuchPage."""
    picked = recipe.picked(facts.pictures)
    return picked if all_pictures(concrete(recipe), facts) else picked[:1]


def existing(recipe: Recipe, facts: Facts) -> list[int]:
    """Return the same numbers, or an empty list if there is no such page."""
    try:
        return pictures(recipe, facts)
    except NoSuchPage:
        return []


def all_pictures(recipe: Recipe, facts: Facts) -> bool:
    """Whether the result holds every selected frame or page."""
    if recipe.frames != "all":
        return False
    if facts.animated:
        return recipe.target.animation or recipe.target.pages
    return facts.pages > 1 and recipe.target.pages


def scale(recipe: Recipe, facts: Facts) -> float:
    """Return the smallest sufficient share of the full resolution."""
    if existing(recipe, facts) != [0]:
        return 1  # other pages may be smaller than the first
    return steps.needed_scale(concrete(recipe), facts.width, facts.height)


def depth(recipe: Recipe, facts: Facts) -> bool:
    """Whether the result keeps all bits of the source."""
    return concrete(recipe).keeps_depth and facts.bits > 8
