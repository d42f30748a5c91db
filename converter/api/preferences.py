from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from ninja import Router

from converter import engine
from converter.api import schemas
from converter.api.access import ApiRequest
from converter.api.openapi import problems
from converter.api.problems import Problem, invalid_request
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
        raise _wrong("/recipe", "recipe_not_found")
    retention = None if body.retention_hours is None else body.retention_hours * HOUR
    if retention and retention > settings.CONVERTER_MAX_RETENTION:
        most = settings.CONVERTER_MAX_RETENTION / HOUR
        raise _wrong("/retention_hours", "retention_too_long", hours=most)
    Preferences.choose(request.auth.user, retention=retention, recipe_id=body.recipe)
    return schemas.Preferences.of(Preferences.of(request.auth.user))


def _wrong(pointer: str, code: str, **params: float) -> Problem:
    return invalid_request(engine.Problem(pointer, engine.Message(code, params)))
