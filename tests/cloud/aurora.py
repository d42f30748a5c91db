"""Versions of Aurora that AWS refuses and moto accepts."""

from __future__ import annotations

from typing import Any

from moto.rds.exceptions import InvalidParameterCombination
from moto.rds.models import RDSBackend

# Versions available in eu-west-1 on 2026-08-06, the default first. AWS removes old minor versions every few
# months; a bare major version always works.
AURORA_POSTGRESQL: dict[str, tuple[str, ...]] = {"16": ("16.11", "16.8", "16.9", "16.10", "16.13", "16.14")}

_create_db_cluster = RDSBackend.create_db_cluster


def create_db_cluster(self: RDSBackend, kwargs: dict[str, Any]) -> Any:
    asked = kwargs.get("engine_version") or "16"
    if kwargs["engine"] == "aurora-postgresql":
        minors = AURORA_POSTGRESQL.get(asked.partition(".")[0], ())
        if asked not in (*AURORA_POSTGRESQL, *minors):
            raise InvalidParameterCombination(f"Cannot find version {asked} for aurora-postgresql")
        kwargs = {**kwargs, "engine_version": asked if asked in minors else minors[0]}
    return _create_db_cluster(self, kwargs)
