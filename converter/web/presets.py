"""Common sizes with names, as values for the fields of an output."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from converter import configuration
from converter.web import quality
from converter.web.options import options, values_of


@dataclass(frozen=True)
class Preset:
    """`recipe` holds the options that the preset sets. Options of the other presets are reset to defaults."""

    name: str | Promise
    recipe: Mapping[str, Any]


def _filled(width: int, height: int, **more: Any) -> dict[str, Any]:
    resize = {"mode": "fill", "width": width, "height": height, "gravity": "smart", **more}
    return {"resize": resize}


# Printed sizes at 300 dpi: 35×45 mm (ICAO 9303 portraits) and 210×297 mm (ISO 216 A4).
PRESETS: Sequence[Preset] = (
    Preset(
        _("Application photo: 600×800"),
        {"format": "jpeg", "target_bytes": 200_000, **_filled(600, 800, enlarge=True)},
    ),
    Preset(
        _("Passport: 35×45 mm, 300 dpi"),
        {"format": "jpeg", "dpi": 300, **_filled(413, 531, enlarge=True)},
    ),
    Preset(
        _("A4: 210×297 mm, 300 dpi"),
        {"format": "jpeg", "dpi": 300, "resize": {"mode": "fit", "width": 2480, "height": 3508}},
    ),
    Preset(_("Square post: 1080×1080"), _filled(1080, 1080)),
    Preset(_("Portrait post: 1080×1350"), _filled(1080, 1350)),
    Preset(_("Story: 1080×1920"), _filled(1080, 1920)),
    Preset(_("Link preview: 1200×630"), _filled(1200, 630)),
    Preset(_("Full HD screen: 1920×1080"), _filled(1920, 1080)),
)


def choices() -> list[tuple[str, str]]:
    """Return each preset's name, and as JSON its values for all fields that any preset sets."""
    makes = configuration.current().makes
    usual = [preset for preset in PRESETS if makes(preset.recipe.get("format", "webp"))]
    presets = [*usual, *_sites_own()]
    paths = {path for preset in presets for path in values_of(preset.recipe)} - {"format"} | {"aim"}
    shown = {option.path: option for option in options()}
    defaults = {path: shown[path].default for path in paths}
    return [
        (str(preset.name), json.dumps({**defaults, **_as_shown(quality.shown(values_of(preset.recipe)))}))
        for preset in presets
    ]


def _sites_own() -> list[Preset]:
    """Return the sizes that staff added."""
    return [
        Preset(
            _("%(width)s×%(height)s px") % {"width": width, "height": height},
            {"resize": {"mode": "fit", "width": width, "height": height}},
        )
        for width, height in configuration.current().sizes
    ]


def _as_shown(values: Mapping[str, Any]) -> dict[str, Any]:
    thousands = {option.path for option in options() if option.in_thousands}
    return {path: value / 1000 if path in thousands else value for path, value in values.items()}
