from __future__ import annotations

import uuid

from django.db import IntegrityError
from django.http import HttpResponse
from django.urls import reverse
from ninja import Query, Router, Status

from converter import engine, jobs
from converter.api import schemas
from converter.api.access import ApiRequest, own
from converter.api.cursors import Paging, page
from converter.api.openapi import problems
from converter.api.problems import Problem
from converter.models import Recipe

router = Router(tags=["recipes"])


@router.get("", response=schemas.Recipes, openapi_extra=problems(), url_name="recipes")
def list_recipes(request: ApiRequest, paging: Query[Paging]) -> schemas.Recipes:
    """List your saved recipes, newest first."""
    found, following = page(Recipe.objects.filter(owner=request.auth.user.pk), paging)
    return schemas.Recipes(items=[schemas.Recipe.of(recipe) for recipe in found], next=following)


@router.post("", response={201: schemas.Recipe}, openapi_extra=problems(409), url_name="recipes")
def save_recipe(
    request: ApiRequest, body: schemas.RecipeIn, response: HttpResponse
) -> Status[schemas.Recipe]:
    """Save a recipe."""
    recipe = _save(request, Recipe(owner_id=request.auth.user.pk), body)
    response["Location"] = reverse("api:recipe", args=[recipe.pk])
    return Status(201, schemas.Recipe.of(recipe))


@router.get("/{id:recipe_id}", response=schemas.Recipe, openapi_extra=problems(404), url_name="recipe")
def get_recipe(request: ApiRequest, recipe_id: uuid.UUID) -> schemas.Recipe:
    """Get a saved recipe."""
    return schemas.Recipe.of(own(request, Recipe.objects.all(), recipe_id))


@router.put("/{id:recipe_id}", response=schemas.Recipe, openapi_extra=problems(404, 409), url_name="recipe")
def replace_recipe(request: ApiRequest, recipe_id: uuid.UUID, body: schemas.RecipeIn) -> schemas.Recipe:
    """Update a saved recipe."""
    return schemas.Recipe.of(_save(request, own(request, Recipe.objects.all(), recipe_id), body))


@router.delete("/{id:recipe_id}", response={204: None}, openapi_extra=problems(404), url_name="recipe")
def delete_recipe(request: ApiRequest, recipe_id: uuid.UUID) -> Status[None]:
    """Delete a saved recipe. Jobs made with it are not affected."""
    own(request, Recipe.objects.all(), recipe_id).delete()
    jobs.forget_logos(request.auth.user)
    return Status(204, None)


def _save(request: ApiRequest, recipe: Recipe, body: schemas.RecipeIn) -> Recipe:
    recipe.name = body.name
    try:
        jobs.save_recipe(request.auth.user, recipe, _outputs(body))
    except IntegrityError as exc:
        raise Problem("name_taken", name=body.name) from exc
    return recipe


def _outputs(body: schemas.RecipeIn) -> list[engine.Recipe]:
    if body.recipe is not None and body.outputs:
        raise schemas.wrong("/outputs", "send either recipe or outputs")
    if body.outputs:
        return schemas.parse_outputs(body.outputs, "/outputs")
    if body.recipe is None:
        raise schemas.wrong("/recipe", "Field required")
    return [schemas.parse_recipe(body.recipe, "/recipe")]
