"""A recipe as a link, for others: a short hash that leads to the recipe as it was when the link was made."""

from __future__ import annotations

import base64
import binascii
import json
import re
import zlib

from django.contrib.auth.base_user import AbstractBaseUser

from converter import engine
from converter.models import Logo, RecipeLink

HASH = re.compile(r"[0-9a-f]{16}")
LONGEST = 4000  # bytes of JSON


def make(owner: AbstractBaseUser, recipe: engine.Recipe, logo: Logo | None = None) -> str:
    """Return the hash that leads to the recipe; the same one however often it is asked for."""
    link, _ = RecipeLink.objects.get_or_create(
        owner_id=owner.pk, hash=recipe.hash[:16], defaults={"recipe": recipe.canonical(), "logo": logo}
    )
    return link.hash


def read(token: str) -> engine.Recipe:
    """Return the recipe of a link.

    Raises ValueError when it is no link of ours, InvalidRecipe when it asks for what is not offered.
    """
    if HASH.fullmatch(token):
        link = RecipeLink.objects.filter(hash=token).order_by("created_at").first()
        if link is None:
            raise ValueError("This is no recipe link.")
        return engine.Recipe.parse(link.recipe)
    return _carried(token)


def _carried(token: str) -> engine.Recipe:
    """Return the recipe of a link as they were made before: it carries the recipe itself."""
    try:
        packed = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
        text = zlib.decompressobj().decompress(packed, LONGEST)
        return engine.Recipe.parse(json.loads(text))
    except (binascii.Error, zlib.error, UnicodeError, json.JSONDecodeError) as exc:
        raise ValueError("This is no recipe link.") from exc
