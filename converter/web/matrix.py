"""A form that adds many outputs at once: each format in each width."""

from __future__ import annotations

import re
from typing import Any

from django import forms
from django.conf import settings
from django.utils.translation import gettext_lazy as _

from converter.engine.formats import CANDIDATES
from converter.web.options import offered

USUAL_FORMATS = [
    format.name
    for format in sorted(CANDIDATES, key=lambda format: format.source_rank or 0)
    if format.default_quality
]
USUAL_WIDTHS = "480, 960, 1600"


class MatrixForm(forms.Form):
    formats = forms.MultipleChoiceField(
        label=_("Formats"),
        choices=lambda: [(format.name, format.label) for format in offered() if format.shows_in_browser],
        widget=forms.CheckboxSelectMultiple,
        initial=USUAL_FORMATS,
    )
    widths = forms.CharField(
        label=_("Widths in pixels"),
        help_text=_("Separated by commas."),
        initial=USUAL_WIDTHS,
        max_length=200,
        widget=forms.TextInput(attrs={"inputmode": "numeric"}),
    )

    def clean_widths(self) -> list[int]:
        parts = re.split(r"[\s,;]+", self.cleaned_data["widths"].strip(" ,;"))
        if not all(re.fullmatch(r"[1-9]\d{0,4}", part) and int(part) <= 65_535 for part in parts):
            raise forms.ValidationError(_("Enter whole numbers, such as 480, 960, 1600."))
        return sorted({int(part) for part in parts})

    def clean(self) -> None:
        count = len(self.cleaned_data.get("formats", ())) * len(self.cleaned_data.get("widths", ()))
        if count > settings.CONVERTER_MAX_OUTPUTS:
            self.add_error(
                "widths",
                _("A batch can have at most %(most)s outputs; this would make %(count)s.")
                % {"most": settings.CONVERTER_MAX_OUTPUTS, "count": count},
            )

    def recipes(self) -> list[dict[str, Any]]:
        """Return the recipes, grouped by format."""
        formats, widths = self.cleaned_data["formats"], self.cleaned_data["widths"]
        return [{"format": format, "resize": {"width": width}} for format in formats for width in widths]
