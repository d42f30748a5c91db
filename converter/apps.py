from __future__ import annotations

from django.apps import AppConfig
from django.urls import register_converter

from converter.ids import IdConverter


class ConverterConfig(AppConfig):
    name = "converter"
    verbose_name = "Conversions"

    def ready(self) -> None:
        from converter import checks  # noqa: F401  # registers the checks
        from converter.events import local

        local.connect()
        register_converter(IdConverter, "id")
