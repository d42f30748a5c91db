"""Translate messages and format sizes in the active language.

Messages stored before their code had parameters are shown as stored.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.apps import AppConfig
from django.utils.formats import number_format
from django.utils.translation import gettext, gettext_lazy, ngettext

from converter import engine
from converter.engine.messages import TEMPLATES, Filler, Message


class _Translator(Filler):
    def template(self, key: str) -> str:
        return gettext(TEMPLATES[key])

    def word(self, word: str) -> str:
        return gettext(TEMPLATES.get(f"word.{word}", word))

    def number(self, value: float, decimals: int, grouped: bool = False) -> str:
        return number_format(round(value, decimals), decimals, use_l10n=True, force_grouping=grouped)


_TRANSLATOR = _Translator()


def translate_names(app: AppConfig) -> None:
    """Make the app's automatic model and field names, which the admin shows, translatable."""
    for model in app.get_models():
        options = model._meta
        if "verbose_name_plural" not in options.original_attrs:
            options.verbose_name_plural = f"{options.verbose_name}s"
        options.verbose_name = _lazily(options.verbose_name)
        options.verbose_name_plural = _lazily(options.verbose_name_plural)
        for field in (*options.local_fields, *options.local_many_to_many):
            field.verbose_name = _lazily(field.verbose_name)


def _lazily(name: Any) -> Any:
    return gettext_lazy(name) if isinstance(name, str) else name


def translated(message: Message) -> str:
    """Return the message in the active language. Raises KeyError for a code without a template."""
    return _TRANSLATOR.fill(message)


def translated_row(code: str, params: Mapping[str, Any] | None, text: str) -> str:
    """Return a stored message in the active language, or its English `text` if the template has changed."""
    if params is None:
        return text
    try:
        return translated(Message(code, params))
    except (KeyError, TypeError, ValueError):
        return text


def recipe_sentence(recipe: engine.Recipe) -> str:
    return ", ".join(translated(piece) for piece in engine.summary(recipe))


def bytes_in_words(count: int) -> str:
    """Return a size in units of 1000, like the limits: 999 bytes, 1.2 KB, 34 MB."""
    if abs(count) < 1000:
        return ngettext("%(n)s byte", "%(n)s bytes", count) % {"n": count}
    value, unit = count / 1000, "KB"
    for larger in ("MB", "GB", "TB"):
        if abs(value) < 999.5:
            break
        value, unit = value / 1000, larger
    digits = 1 if abs(value) < 10 else 0
    return f"{number_format(round(value, digits), digits)}\u00a0{unit}"
