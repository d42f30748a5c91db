"""A recipe as a link: the link carries it whole, so that it works for whoever gets it and never dangles."""

from __future__ import annotations

import base64
import binascii
import json
import zlib
from collections.abc import Mapping
from typing import Any

from converter import engine

LONGEST = 4000  # bytes of JSON


def write(recipe: Mapping[str, Any]) -> str:
    text = json.dumps(recipe, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return base64.urlsafe_b64encode(zlib.compress(text.encode(), 9)).decode().rstrip("=")


def read(token: str) -> engine.Recipe:
    """Return the recipe of a link.

    Raises ValueError when it is no link of ours, InvalidRecipe when it asks for what is not offered.
    """
    try:
        packed = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
        text = zlib.decompressobj().decompress(packed, LONGEST)
        return engine.Recipe.parse(json.loads(text))
    except (binascii.Error, zlib.error, UnicodeError, json.JSONDecodeError) as exc:
        raise ValueError("This is no recipe link.") from exc
