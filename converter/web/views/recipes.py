"""Saved recipes."""

from __future__ import annotations

import json
import uuid
from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.db import IntegrityError
from django.http import Http404, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from converter import engine, jobs
from converter.ids import uuid_of
from converter.methods import require_http_methods, require_POST, require_safe
from converter.models import Preferences, Recipe
from converter.translation import recipe_sentence, translated
from converter.web import links, starters
from converter.web.access import job_of, open_to_guests, recipe_of
from converter.web.forms import OutputForm, RecipeForm
from converter.web.http import LoggedInRequest, number
from converter.web.options import values_of
from converter.web.watermarks import with_stored_watermark

PREFIX = "recipe"
LOGO_CODES = ("no_watermark", "too_many_bytes", "quota_exceeded")


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
    """Make this recipe the user's default on the convert page."""
    saved = recipe_of(request, pk)
    Preferences.choose(request.user, recipe=saved)
    messages.success(request, _("“%(name)s” is now your default recipe.") % {"name": saved.name})
    return redirect("web:recipes")


@require_POST
def clear_default(request: LoggedInRequest) -> HttpResponse:
    """Go back to the site's default recipe on the convert page."""
    Preferences.choose(request.user, recipe=None)
    messages.success(request, _("Default recipe removed."))
    return redirect("web:recipes")


@require_http_methods(["GET", "POST"])
def edit(request: LoggedInRequest, pk: uuid.UUID | None = None) -> HttpResponse:
    """Create a recipe if `pk` is None, otherwise edit one."""
    saved = recipe_of(request, pk) if pk else _new(request)
    if request.method == "GET":
        return _page(request, saved, RecipeForm(initial={"name": saved.name}), _unbound(saved.outputs))
    changes_outputs = "add" in request.POST or "remove" in request.POST
    typed = {"name": request.POST.get("name", "")}
    name = RecipeForm(initial=typed) if changes_outputs else RecipeForm(request.POST)
    forms = _bound(request)
    valid = [form.is_valid() for form in forms]
    if not all([changes_outputs or name.is_valid(), *valid]):
        return _page(request, saved, name, forms, status=422)
    outputs = _with_logos(request, forms)
    if outputs is None:
        return _page(request, saved, name, forms, status=422)
    if changes_outputs:
        saved.outputs = _one_more_or_less(request, outputs)
        return _page(request, saved, name, _unbound(saved.outputs))
    saved.name = name.cleaned_data["name"]
    try:
        jobs.save_recipe(request.user, saved, outputs)
    except IntegrityError:
        name.add_error("name", _("You already have a recipe with this name."))
    except jobs.JobError as refusal:
        _say_why(refusal, forms)
    else:
        messages.success(request, _("“%(name)s” saved.") % {"name": saved.name})
        return redirect("web:recipes")
    return _page(request, saved, name, forms, status=422)


@require_safe
def link(request: LoggedInRequest, pk: uuid.UUID) -> HttpResponse:
    """Redirect to the public link of this recipe. An unchanged recipe always has the same link."""
    saved = recipe_of(request, pk)
    try:
        outputs = [engine.Recipe.parse(output) for output in saved.outputs]
    except engine.InvalidRecipe:
        messages.warning(request, _("This recipe uses options that are no longer available. Edit it first."))
        return redirect("web:recipe", pk)
    token = links.make(request.user, *outputs, logo=saved.logo, more_logos=saved.more_logos.all())
    return redirect("web:recipe_link", token)


@require_safe
def shared(request: LoggedInRequest, token: str) -> HttpResponse:
    """Show the recipe of a link."""
    try:
        outputs = [output.canonical() for output in links.read(token)]
    except engine.InvalidRecipe as exc:
        return render(
            request,
            "web/recipe_link.html",
            {"problem": translated(exc.message)},
            status=410,
        )
    except ValueError as exc:
        raise Http404 from exc
    text = json.dumps(outputs if len(outputs) > 1 else outputs[0], indent=2, ensure_ascii=False)
    context = {"outputs": outputs, "text": text, "token": token, "address": request.build_absolute_uri()}
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


@open_to_guests
@require_safe
def logo(request: LoggedInRequest, pk: uuid.UUID) -> HttpResponse:
    """Serve the logo of a recipe or batch, always as an image."""
    data = jobs.read_watermark(request.user.pk, str(pk))
    if data is None:
        raise Http404
    headers = {"Cache-Control": "private, max-age=3600", "X-Content-Type-Options": "nosniff"}
    return HttpResponse(data, content_type="image/png", headers=headers)


@require_POST
def sentence(request: LoggedInRequest) -> JsonResponse:
    """Return a sentence that describes the form's recipe, or the form's errors."""
    forms = _bound(request)
    wrong = [error for form in forms for errors in form.errors.values() for error in errors]
    if wrong:
        return JsonResponse({"errors": wrong})
    return JsonResponse({"sentence": "; ".join(recipe_sentence(form.recipe()) for form in forms)})


def _page(
    request: LoggedInRequest, saved: Recipe, name: RecipeForm, forms: list[OutputForm], status: int = 200
) -> HttpResponse:
    context = {
        "recipe": saved,
        "name": name,
        "output": forms[0],
        "outputs": forms,
        "has_room": len(forms) < settings.CONVERTER_MAX_OUTPUTS,
    }
    return render(request, "web/recipe.html", context, status=status)


def _prefix(index: int) -> str:
    return f"{PREFIX}-{index}" if index else PREFIX


def _unbound(outputs: Sequence[dict[str, Any]]) -> list[OutputForm]:
    return [
        OutputForm(prefix=_prefix(index), initial=values_of(output)) for index, output in enumerate(outputs)
    ]


def _bound(request: LoggedInRequest) -> list[OutputForm]:
    """Return a form for each output. If the request does not give their number, there is one."""
    said = number(request.POST.get("outputs", ""))
    count = max(1, min(said or 1, settings.CONVERTER_MAX_OUTPUTS))
    return [OutputForm(request.POST, request.FILES, prefix=_prefix(index)) for index in range(count)]


def _with_logos(request: LoggedInRequest, forms: Sequence[OutputForm]) -> list[engine.Recipe] | None:
    """Store the logos and return the recipe of each form.

    If a logo is refused, add the error to its form and return None.
    """
    outputs = []
    for form in forms:
        try:
            outputs.append(with_stored_watermark(request, form))
        except jobs.JobError as refusal:
            form.add_error("watermark_file", translated(refusal.message))
            return None
    return outputs


def _say_why(refusal: jobs.JobError, forms: Sequence[OutputForm]) -> None:
    """Show why a recipe was not saved: at the logo fields if logos are the reason, else at the last form."""
    with_logo = [form for form in forms if form.cleaned_data.get("watermark.image") or form.watermark]
    if refusal.code in LOGO_CODES and with_logo:
        for form in with_logo:
            form.add_error("watermark_file", translated(refusal.message))
    else:
        forms[-1].add_error(None, translated(refusal.message))


def _one_more_or_less(request: LoggedInRequest, outputs: Sequence[engine.Recipe]) -> list[dict[str, Any]]:
    recipes = [output.canonical() for output in outputs]
    gone = number(request.POST.get("remove", ""))
    if "add" in request.POST:
        recipes.append({"format": "jpeg"})
    elif gone is not None and len(recipes) > 1:
        del recipes[gone : gone + 1]
    return recipes[: settings.CONVERTER_MAX_OUTPUTS]


def _new(request: LoggedInRequest) -> Recipe:
    recipe = Recipe(owner_id=request.user.pk)
    recipe.outputs = _begin(request)
    return recipe


def _begin(request: LoggedInRequest) -> list[dict[str, Any]]:
    """Return the initial outputs of a new recipe: from a link, a job, a starter, or the default."""
    if token := request.GET.get("link"):
        try:
            return [output.canonical() for output in links.read(token)]
        except (ValueError, engine.InvalidRecipe):
            return [{"format": "webp"}]
    if pk := uuid_of(request.GET.get("job", "")):
        return [job_of(request, pk).recipe]
    starter = starters.offered().get(request.GET.get("starter", ""))
    return starter.recipes if starter else [{"format": "webp"}]
