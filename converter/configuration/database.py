"""The home twin: a row of the site's own database."""

from __future__ import annotations

from typing import Any

from converter.models import SiteConfiguration


class DatabaseConfiguration:
    def read(self) -> dict[str, Any]:
        row = SiteConfiguration.objects.filter(pk=SiteConfiguration.NAME).first()
        return row.values if row else {}

    def write(self, values: dict[str, Any]) -> None:
        SiteConfiguration.objects.update_or_create(pk=SiteConfiguration.NAME, defaults={"values": values})
