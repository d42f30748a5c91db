"""Icon sets for websites: the recipes that make one, and the file names that browsers and systems expect."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .formats import FORMATS

FAVICON = "favicon.ico"
MANIFEST = "site.webmanifest"
TOUCH = 180
"""The size in pixels of the icon for the home screen of iPhones."""

Output = Mapping[str, Any]


def is_set(outputs: Sequence[Output]) -> bool:
    """Return whether these recipes, in canonical form, make a favicon and app icons."""
    names = [icon_name(output) for output in outputs]
    return FAVICON in names and len(set(names)) == len(names) > 1 and "" not in names


def is_maskable(output: Output) -> bool:
    """Return whether the icon has a border, so that systems can crop it to their shapes."""
    return bool(_resize(output).get("border"))


def icon_name(output: Output) -> str:
    """Return the file name of the result in an icon set, or an empty string if it is not an icon.

    >>> icon_name({"format": "png", "resize": {"mode": "pad", "width": 512, "height": 512, "border": 22}})
    'icon-512-maskable.png'
    """
    format = FORMATS.get(output["format"])
    if format and format.favicon:
        return FAVICON
    side = _resize(output).get("width")
    if not format or not format.app_icon or not side or side != _resize(output).get("height"):
        return ""
    if side == TOUCH:
        return f"apple-touch-icon.{format.extension}"
    return f"icon-{side}{'-maskable' if is_maskable(output) else ''}.{format.extension}"


def _resize(output: Output) -> Mapping[str, Any]:
    resize: Mapping[str, Any] = output.get("resize") or {}
    return resize
