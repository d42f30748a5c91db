"""Built-in recipes, named by purpose."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


@dataclass(frozen=True)
class Starter:
    name: str | Promise
    recipes: list[dict[str, Any]]


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
    "everywhere": Starter(
        _("AVIF + WebP + JPEG"),
        [
            {"format": "avif", "resize": {"width": 1600}},
            {"format": "webp", "resize": {"width": 1600}},
            {"format": "jpeg", "resize": {"width": 1600}},
        ],
    ),
}
