"""Fields and widgets whose form values differ from what is stored."""

from __future__ import annotations

import re
from typing import Any

from django import forms
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from converter.engine.filenames import clean_text


class NameField(forms.CharField):
    """A name for display; one without any visible character counts as missing."""

    def to_python(self, value: Any) -> Any:
        return clean_text(super().to_python(value) or "")


class ThousandsField(forms.FloatField):
    """A whole number of bytes, entered in KB."""

    def to_python(self, value: Any) -> Any:
        number = super().to_python(value)
        return None if number is None else round(number * 1000)

    def prepare_value(self, value: Any) -> Any:
        return f"{value / 1000:g}" if isinstance(value, int) else value

    def widget_attrs(self, widget: forms.Widget) -> dict[str, Any]:
        attrs = super().widget_attrs(widget)
        return {**attrs, "min": 0, "max": (self.max_value or 0) / 1000}


class PercentField(forms.FloatField):
    """A fraction from 0 to 1, entered as a percentage."""

    def clean(self, value: Any) -> Any:
        number = super().clean(value)
        return None if number is None else round(number / 100, 6)

    def prepare_value(self, value: Any) -> Any:
        return f"{value * 100:g}" if isinstance(value, int | float) else value


class ColorInput(forms.TextInput):
    """A text input for a colour, with a colour picker that the scripts keep in sync."""

    def render(self, name: str, value: Any, attrs: Any = None, renderer: Any = None) -> SafeString:
        text = super().render(name, value, attrs, renderer)
        shown = value if re.fullmatch("#[0-9a-f]{6}", str(value)) else "#ffffff"
        return format_html(
            '<span class="color">{}<input type="color" value="{}" aria-label="{}" data-color></span>',
            text,
            shown,
            _("Pick a colour"),
        )
