"""The limits of one image, from the settings."""

from __future__ import annotations

from django.conf import settings

from converter import engine


def limits() -> engine.Limits:
    """Return the limits of one image. Raises TypeError if the setting names one that the engine does not know."""
    return engine.Limits(**settings.CONVERTER_LIMITS)
