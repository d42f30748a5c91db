"""The quality control of the forms: one choice for what a recipe has three options for.

These are an aim, a quality value, and a maximum size.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

VALUE, SIZE = "number", "size"
CHOICES = [
    ("", _("Automatic")),
    ("small", _("Small file")),
    ("balanced", _("Balanced")),
    ("near_identical", _("Visually lossless")),
    (VALUE, _("By value")),
    (SIZE, _("Maximum size")),
]
_OF_WAY = {VALUE: ("quality",), SIZE: ("target_bytes", "shrink_to_fit")}


def field(attrs: dict[str, Any]) -> forms.ChoiceField:
    return forms.ChoiceField(
        label=_("Quality"), choices=CHOICES, required=False, widget=forms.Select(attrs=attrs)
    )


def shown(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return a recipe's values (by path) as form values, where `aim` holds the control's choice."""
    way = next((way for way, (name, *_more) in _OF_WAY.items() if values.get(name)), None)
    return {**values, "aim": way} if way else dict(values)


def meant(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the form values as recipe values, without the fields of choices that were not selected.

    Keep all of them if none was selected: without scripts the form shows the fields of all choices.
    """
    chosen = dict(values)
    way = chosen.get("aim") or ""
    for other, names in _OF_WAY.items():
        if way and other != way:
            chosen.update(dict.fromkeys(names))
    if way in _OF_WAY:
        chosen["aim"] = None
    return chosen
