from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from ninja import Router

from converter.api import schemas
from converter.api.access import ApiRequest
from converter.api.openapi import problems
from converter.api.problems import Problem
from converter.models import Preferences, Recipe

router = Router(tags=["preferences"])

HOUR = timedelta(hours=1)


@router.get("", response=schemas.Preferences, openapi_extra=problems(), url_name="preferences")
def get_preferences(request: ApiRequest) -> schemas.Preferences:
    """Get your preferences."""
    return schemas.Preferences.of(Preferences.of(request.auth.user))


@router.put("", response=schemas.Preferences, openapi_extra=problems(), url_name="preferences")
def choose_preferences(request: ApiRequest, body: schemas.PreferencesIn) -> schemas.Preferences:
    """Set how long new uploads are kept, and your default recipe."""
    if body.recipe and not Recipe.objects.filter(pk=body.recipe, owner=request.auth.user.pk).exists():
        raise _wrong("/recipe", "You have no recipe with this id.")
    retention = None if body.retention_hours is None else body.retention_hours * HOUR
    if retention and retention > settings.CONVERTER_MAX_RETENTION:
        most = settings.CONVERTER_MAX_RETENTION / HOUR
        raise _wrong("/retention_hours", f"Files can be kept for at most {most:g} hours.")
    Preferences.choose(request.auth.user, retention=retention, recipe_id=body.recipe)
    return schemas.Preferences.of(Preferences.of(request.auth.user))


def _wrong(pointer: str, detail: str) -> Problem:
    return Problem("invalid_request", detail, errors=[{"pointer": pointer, "detail": detail}])
