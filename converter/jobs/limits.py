"""The limits of one image."""

from __future__ import annotations

from converter import configuration, engine
from converter.configuration.values import hard_limits

__all__ = ["hard_limits", "limits"]


def limits() -> engine.Limits:
    """Return the limits that staff have set, which never exceed those of the settings (`hard_limits`)."""
    return configuration.current().limits()
