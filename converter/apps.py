from __future__ import annotations

from django.apps import AppConfig
from django.urls import register_converter
from django.utils.translation import gettext_lazy as _

from converter.ids import IdConverter


class ConverterConfig(AppConfig):
    name = "converter"
    verbose_name = _("Conversions")

    def ready(self) -> None:
        from converter import checks  # noqa: F401  # registers the checks
        from converter.events import local
        from converter.translation import translate_names

        local.connect()
        translate_names(self)
        register_converter(IdConverter, "id")
