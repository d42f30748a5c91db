from __future__ import annotations

from django.apps import AppConfig


class ConverterConfig(AppConfig):
    name = "converter"
    verbose_name = "Conversions"

    def ready(self) -> None:
        from converter import checks  # noqa: F401  # they register themselves
        from converter.events import local

        local.connect()
