"""The limits of one image."""

from __future__ import annotations

from converter import configuration, engine
from converter.configuration.values import hard_limits

__all__ = ["hard_limits", "limits"]


def limits() -> engine.Limits:
    """Return what staff allow, which is at most `hard_limits`: what the settings name."""
    return configuration.current().limits()
