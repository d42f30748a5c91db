"""Fields and widgets whose form values differ from what is stored."""

from __future__ import annotations

import re
from typing import Any

from django import forms
from django.core.validators import MaxValueValidator, MinValueValidator
from django.utils.functional import keep_lazy_text
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import format_lazy
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


def limited(
    kind: type[forms.FloatField] | type[forms.IntegerField], least: Any, most: Any, **given: Any
) -> forms.Field:
    """Return a field for a number in this range. Its errors name the field, as the preview shows them too."""
    field = kind(min_value=least, max_value=most, **given)
    unit = 1000 if kind is ThousandsField else 1

    def limit(template: Any, number: float) -> Any:
        return _limit(template, title=given["label"], limit=f"{number / unit:.15g}")

    is_whole = not issubclass(kind, forms.FloatField)
    invalid = _("{title} must be a whole number.") if is_whole else _("{title} must be a number.")
    field.error_messages["invalid"] = format_lazy(invalid, title=given["label"])
    for validator in field.validators:
        if isinstance(validator, MinValueValidator):
            validator.message = limit(_("{title} must be at least {limit}."), least)
        if isinstance(validator, MaxValueValidator):
            validator.message = limit(_("{title} can be at most {limit}."), most)
    return field


@keep_lazy_text
def _limit(template: str, **parts: Any) -> str:
    """Fill in a template; Django reads % in messages of validators as the beginning of a parameter."""
    return template.format(**parts).replace("%", "%%")


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
