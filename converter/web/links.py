"""Links to recipes. A link holds a short hash and leads to the recipe as it was when the link was made."""

from __future__ import annotations

import base64
import hashlib
import re
import zlib
from collections.abc import Iterable, Sequence

from django.contrib.auth.base_user import AbstractBaseUser

from converter import engine
from converter.engine import strict_json
from converter.models import Logo, RecipeLink

HASH = re.compile(r"[0-9a-f]{16}")
LONGEST = 4000  # bytes of JSON


def make(
    owner: AbstractBaseUser,
    *outputs: engine.Recipe,
    logo: Logo | None = None,
    more_logos: Iterable[Logo] = (),
) -> str:
    """Return the hash of the link to these outputs. The same outputs always have the same hash."""
    recipe, *more = outputs
    link, is_new = RecipeLink.objects.get_or_create(
        owner_id=owner.pk,
        hash=_hash(outputs),
        defaults={
            "recipe": recipe.canonical(),
            "more": [output.canonical() for output in more] or None,
            "logo": logo,
        },
    )
    if is_new:
        link.more_logos.set(more_logos)
    return link.hash


def _hash(outputs: Sequence[engine.Recipe]) -> str:
    hashes = [output.hash for output in outputs]
    whole = hashes[0] if len(hashes) == 1 else hashlib.sha256("".join(hashes).encode()).hexdigest()
    return whole[:16]


def read(token: str) -> list[engine.Recipe]:
    """Return the outputs of a link.

    Raises ValueError for an unknown link, and InvalidRecipe if its options are no longer available.
    """
    if HASH.fullmatch(token):
        link = RecipeLink.objects.filter(hash=token).order_by("created_at").first()
        if link is None:
            raise ValueError("This is not a recipe link.")
        return [engine.Recipe.parse(output) for output in link.outputs]
    return [_carried(token)]


def _carried(token: str) -> engine.Recipe:
    """Return the recipe of an old link, which contains the recipe itself: compressed JSON in base64."""
    try:
        packed = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
        text = zlib.decompressobj().decompress(packed, LONGEST)
        return engine.Recipe.parse(strict_json.loads(text.decode()))
    except (zlib.error, ValueError) as exc:
        raise ValueError("This is not a recipe link.") from exc
