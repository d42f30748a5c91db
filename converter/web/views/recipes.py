"""Saved recipes."""

from __future__ import annotations

import json
import uuid

from django.contrib import messages
from django.db import IntegrityError, transaction
from django.http import Http404, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from converter import engine, jobs
from converter.models import Preferences, Recipe
from converter.translation import recipe_sentence, translated
from converter.web import links, starters
from converter.web.access import job_of, recipe_of
from converter.web.forms import OutputForm, RecipeForm
from converter.web.http import LoggedInRequest
from converter.web.options import values_of
from converter.web.watermarks import with_stored_watermark

PREFIX = "recipe"


@require_safe
def recipes(request: LoggedInRequest) -> HttpResponse:
    saved = Recipe.objects.filter(owner_id=request.user.pk)
    default_recipe = Preferences.of(request.user).recipe_id
    return render(
        request,
        "web/recipes.html",
        {"recipes": saved, "default_recipe": default_recipe, "starters": starters.offered()},
    )


@require_POST
def make_default(request: LoggedInRequest, pk: uuid.UUID) -> HttpResponse:
    """Let converting begin with this recipe."""
    saved = recipe_of(request, pk)
    Preferences.choose(request.user, recipe=saved)
    messages.success(request, _("“%(name)s” is now your default recipe.") % {"name": saved.name})
    return redirect("web:recipes")


@require_POST
def clear_default(request: LoggedInRequest) -> HttpResponse:
    """Let converting begin as it does for everybody."""
    Preferences.choose(request.user, recipe=None)
    messages.success(request, _("Default recipe removed."))
    return redirect("web:recipes")


@require_http_methods(["GET", "POST"])
def edit(request: LoggedInRequest, pk: uuid.UUID | None = None) -> HttpResponse:
    """Make a recipe (`pk` is None), or change one."""
    saved = recipe_of(request, pk) if pk else Recipe(owner_id=request.user.pk, recipe=_begin(request))
    if request.method == "GET":
        name, output = (
            RecipeForm(initial={"name": saved.name}),
            OutputForm(prefix=PREFIX, initial=values_of(saved.recipe)),
        )
        return render(request, "web/recipe.html", {"recipe": saved, "name": name, "output": output})
    name = RecipeForm(request.POST)
    output = OutputForm(request.POST, request.FILES, prefix=PREFIX)
    if name.is_valid() and output.is_valid():
        saved.name = name.cleaned_data["name"]
        try:
            recipe = with_stored_watermark(request, output)
            if _save(request, saved, recipe):
                messages.success(request, _("“%(name)s” saved.") % {"name": saved.name})
                return redirect("web:recipes")
            name.add_error("name", _("You already have a recipe with this name."))
        except jobs.JobError as refusal:
            output.add_error("watermark_file", translated(refusal.message))
    return render(request, "web/recipe.html", {"recipe": saved, "name": name, "output": output}, status=422)


@require_safe
def link(request: LoggedInRequest, pk: uuid.UUID) -> HttpResponse:
    """Lead to the page by which others get this recipe. Asked for again, it is the same page."""
    saved = recipe_of(request, pk)
    try:
        recipe = engine.Recipe.parse(saved.recipe)
    except engine.InvalidRecipe:
        messages.warning(request, _("This recipe uses options that are no longer available. Edit it first."))
        return redirect("web:recipe", pk)
    return redirect("web:recipe_link", links.make(request.user, recipe, saved.logo))


@require_safe
def shared(request: LoggedInRequest, token: str) -> HttpResponse:
    """Show the recipe that a link carries."""
    try:
        recipe = links.read(token)
    except engine.InvalidRecipe as exc:
        return render(
            request,
            "web/recipe_link.html",
            {"problem": translated(exc.message)},
            status=410,
        )
    except ValueError as exc:
        raise Http404 from exc
    text = json.dumps(recipe.canonical(), indent=2, ensure_ascii=False)
    context = {"recipe": recipe, "text": text, "token": token, "address": request.build_absolute_uri()}
    return render(request, "web/recipe_link.html", context)


@require_http_methods(["GET", "POST"])
def delete(request: LoggedInRequest, pk: uuid.UUID) -> HttpResponse:
    saved = recipe_of(request, pk)
    if request.method == "GET":
        return render(request, "web/recipe_delete.html", {"recipe": saved})
    saved.delete()
    jobs.forget_logos(request.user)
    messages.success(request, _("“%(name)s” deleted.") % {"name": saved.name})
    return redirect("web:recipes")


@require_safe
def logo(request: LoggedInRequest, pk: uuid.UUID) -> HttpResponse:
    """Show the logo of a recipe. It is only ever served as an image."""
    data = jobs.read_watermark(request.user.pk, str(pk))
    if data is None:
        raise Http404
    headers = {"Cache-Control": "private, max-age=3600", "X-Content-Type-Options": "nosniff"}
    return HttpResponse(data, content_type="image/png", headers=headers)


@require_POST
def sentence(request: LoggedInRequest) -> JsonResponse:
    """Say what the form as filled in so far would do."""
    output = OutputForm(request.POST, request.FILES, prefix=PREFIX)
    if not output.is_valid():
        return JsonResponse({"errors": [error for errors in output.errors.values() for error in errors]})
    return JsonResponse({"sentence": recipe_sentence(output.recipe())})


def _begin(request: LoggedInRequest) -> dict[str, object]:
    """Return the recipe to begin with: that of a link, of a job, or of a starter."""
    if token := request.GET.get("link"):
        try:
            return links.read(token).canonical()
        except (ValueError, engine.InvalidRecipe):
            return {"format": "webp"}
    try:
        pk = uuid.UUID(request.GET.get("job", ""))
    except ValueError:
        starter = starters.offered().get(request.GET.get("starter", ""))
        return starter.recipes[0] if starter else {"format": "webp"}
    recipe: dict[str, object] = job_of(request, pk).recipe
    return recipe


def _save(request: LoggedInRequest, saved: Recipe, recipe: engine.Recipe) -> bool:
    """Return whether the name was free.

    Raises jobs.JobError when the recipe's logo cannot be kept.
    """
    try:
        with transaction.atomic():
            kept, saved.logo = jobs.keep_logo(request.user, recipe)
            saved.recipe = kept.canonical()
            saved.save()
            jobs.forget_logos(request.user)
    except IntegrityError:
        return False
    return True
