"""Built-in recipes, named by purpose."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from converter import configuration


@dataclass(frozen=True)
class Starter:
    name: str | Promise
    recipes: list[dict[str, Any]]


def _icon(side: int, **more: Any) -> dict[str, Any]:
    return {"mode": "pad", "width": side, "height": side, "enlarge": True, **more}


STARTERS: Mapping[str, Starter] = {
    "web": Starter(
        _("For the web"), [{"format": "webp", "aim": "balanced", "resize": {"width": 1600, "height": 1600}}]
    ),
    "email": Starter(
        _("For e-mail"), [{"format": "jpeg", "quality": 75, "resize": {"width": 1200, "height": 1200}}]
    ),
    "jpg": Starter(_("iPhone → JPG"), [{"format": "jpeg", "quality": 90, "metadata": "strip_location"}]),
    "small": Starter(_("Under 200 KB"), [{"format": "jpeg", "target_bytes": 200_000, "shrink_to_fit": True}]),
    "publish": Starter(
        _("Photos to publish"),
        [{"format": "jpeg", "quality": 90, "color": "keep", "metadata": "strip_location"}],
    ),
    "print": Starter(
        _("For print"), [{"format": "jpeg", "quality": 95, "dpi": 300, "metadata": "strip_location"}]
    ),
    "archive": Starter(_("Archive (TIFF)"), [{"format": "tiff", "color": "keep", "metadata": "keep"}]),
    "widths": Starter(
        _("Responsive widths"),
        [{"format": "webp", "resize": {"width": width}} for width in (480, 960, 1600)],
    ),
    "favicon": Starter(
        _("Favicon set"),
        [
            {"format": "ico", "background": "transparent", "resize": _icon(256)},
            {"format": "png", "resize": _icon(180, border=8)},
            {"format": "png", "background": "transparent", "resize": _icon(192)},
            {"format": "png", "background": "transparent", "resize": _icon(512)},
            # Systems crop this icon to a circle with a radius of 40 % of its side. A square of 56 % fits in.
            {"format": "png", "resize": _icon(512, border=22)},
        ],
    ),
    "everywhere": Starter(
        _("AVIF + WebP + JPEG"),
        [
            {"format": "avif", "resize": {"width": 1600}},
            {"format": "webp", "resize": {"width": 1600}},
            {"format": "jpeg", "resize": {"width": 1600}},
        ],
    ),
}


def offered() -> Mapping[str, Starter]:
    """Return the starters whose formats staff allow."""
    makes = configuration.current().makes
    return {
        name: starter
        for name, starter in STARTERS.items()
        if all(makes(recipe["format"]) for recipe in starter.recipes)
    }
