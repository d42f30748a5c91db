from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from converter.models import Preferences, Recipe
from tests.api.conftest import Program, problem

pytestmark = pytest.mark.django_db

NONE = {"retention_hours": None, "recipe": None}


@pytest.fixture
def recipe(alice: Any) -> Recipe:
    return Recipe.objects.create(owner=alice, name="Web", recipe={"format": "webp"})


def test_preferences_are_set_and_reset(program: Program, recipe: Recipe, alice: Any) -> None:
    assert program.get("preferences").json() == NONE
    chosen = {"retention_hours": 3, "recipe": str(recipe.pk)}
    assert program.put("preferences", chosen).json() == chosen
    assert program.get("preferences").json() == chosen
    assert Preferences.of(alice).recipe == recipe
    assert program.put("preferences", NONE).json() == NONE


def test_new_uploads_are_kept_for_the_chosen_time(program: Program) -> None:
    program.put("preferences", {"retention_hours": 3, "recipe": None})
    batch = program.submit()
    kept = datetime.fromisoformat(batch["expires_at"]) - datetime.fromisoformat(batch["created_at"])
    assert kept == timedelta(hours=3)


def test_a_stranger_has_preferences_of_their_own(program: Program, stranger: Program) -> None:
    program.put("preferences", {"retention_hours": 3, "recipe": None})
    assert stranger.get("preferences").json() == NONE


@pytest.mark.parametrize("hours", [0, 0.5, -1, 25, 8785, "long", "5", True])
def test_a_retention_outside_the_bounds_is_refused(program: Program, settings: Any, hours: Any) -> None:
    settings.CONVERTER_MAX_RETENTION = timedelta(hours=24)
    refused = problem(
        program.put("preferences", {"retention_hours": hours, "recipe": None}), 422, "invalid_request"
    )
    assert [error["pointer"] for error in refused["errors"]] == ["/retention_hours"]
    assert not Preferences.objects.exists()


def test_the_recipe_of_a_stranger_is_not_chosen(stranger: Program, recipe: Recipe) -> None:
    refused = problem(
        stranger.put("preferences", {"retention_hours": None, "recipe": str(recipe.pk)}),
        422,
        "invalid_request",
    )
    assert [error["pointer"] for error in refused["errors"]] == ["/recipe"]


@pytest.mark.parametrize("body", [{}, {"recipe": None}, {"retention_hours": 2}, {**NONE, "theme": "dark"}])
def test_both_fields_are_required_and_no_others_allowed(program: Program, body: Any) -> None:
    problem(program.put("preferences", body), 422, "invalid_request")
