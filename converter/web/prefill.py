"""The initial images, recipes and choices of the convert page, from its URL parameters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db.models import Min
from django.http import Http404

from converter import configuration, engine
from converter.ids import uuid_of
from converter.models import Batch, Preferences, Upload
from converter.web import links, starters
from converter.web.access import batch_of, job_of, recipe_of
from converter.web.http import LoggedInRequest, number
from converter.web.matrix import MatrixForm


class SitesOwn(dict[str, Any]):
    """The site's default recipe, for users without their own. Scripts may adapt its format to the images."""


def asked_for(request: LoggedInRequest) -> tuple[list[Upload], list[dict[str, Any]]]:
    """Return the uploads and recipes that the URL names, such as those of a batch to convert again."""
    ask = request.GET
    if pk := uuid_of(ask.get("batch", "")):
        batch = batch_of(request, pk)
        return _uploads_of(batch), batch.outputs
    if pk := uuid_of(ask.get("job", "")):
        job = job_of(request, pk)
        left_out = uuid_of(ask.get("without", ""))
        uploads = [upload for upload in job.uploads if upload.is_here and upload.pk != left_out]
        return uploads, [_limited(job.recipe, ask.get("side", ""))]
    return uploads_here(request, ask.get("upload", "").split(",")), _outputs_asked_for(request)


def _outputs_asked_for(request: LoggedInRequest) -> list[dict[str, Any]]:
    ask = request.GET
    if token := ask.get("link"):
        try:
            return [recipe.canonical() for recipe in links.read(token)]
        except (ValueError, engine.InvalidRecipe) as exc:
            raise Http404 from exc
    if pk := uuid_of(ask.get("recipe", "")):
        return recipe_of(request, pk).outputs
    if "formats" in ask and (matrix := MatrixForm(ask)).is_valid():
        return matrix.recipes()
    if starter := starters.offered().get(ask.get("starter", "")):
        return starter.recipes
    return _default_outputs(request)


def _limited(recipe: dict[str, Any], side: str) -> dict[str, Any]:
    """Return the recipe with its longest side limited to `side` pixels, if that is a valid request."""
    resize = dict(recipe.get("resize", {}))
    longest = number(side)
    if longest is None or resize.get("mode", "fit") != "fit":
        return recipe
    resize |= {"width": longest, "height": longest}
    resize.pop("scale", None)
    try:
        return engine.Recipe.parse({**recipe, "resize": resize}).canonical()
    except engine.InvalidRecipe:
        return recipe


def _default_outputs(request: LoggedInRequest) -> list[dict[str, Any]]:
    """Return the user's default outputs, or the site's if the user has none that are still valid."""
    saved = Preferences.of(request.user).recipe
    try:
        return (
            [engine.Recipe.parse(output).canonical() for output in saved.outputs] if saved else [_sites_own()]
        )
    except engine.InvalidRecipe:
        return [_sites_own()]


def _sites_own() -> SitesOwn:
    size = configuration.current().default_size
    return SitesOwn(format="webp", **({"resize": {"width": size, "height": size}} if size else {}))


def _uploads_of(batch: Batch) -> list[Upload]:
    """Return the images of the batch that still exist. `own_crop` and `own_point` hold their own values."""
    if batch.join:
        return [upload for job in batch.jobs.all() for upload in job.uploads if upload.is_here]
    found = Upload.objects.filter(jobs__batch=batch).annotate(place=Min("jobs__position")).order_by("place")
    uploads: list[Upload] = [upload for upload in found if upload.is_here]
    crops, points = _own(batch, "crop"), _own(batch, "focal_point")
    for upload in uploads:
        upload.own_crop = crops.get(upload.pk)  # type: ignore[attr-defined]
        upload.own_point = points.get(upload.pk)  # type: ignore[attr-defined]
    return uploads


def _own(batch: Batch, option: str) -> dict[Any, Any]:
    """Return the option's value by image, for images whose value differs from the batch's outputs."""
    usual = [output.get(option) for output in batch.outputs]
    having = batch.jobs.filter(recipe__has_key=option).order_by("-position").values_list("upload", "recipe")
    return {pk: recipe[option] for pk, recipe in having if recipe[option] not in usual}


def uploads_here(request: LoggedInRequest, ids: Sequence[str]) -> list[Upload]:
    wanted = [pk for text in ids if (pk := uuid_of(text))]
    found = Upload.objects.filter(owner_id=request.user.pk).in_bulk(wanted)
    return [found[pk] for pk in dict.fromkeys(wanted) if pk in found and found[pk].is_here]


def files_as_before(request: LoggedInRequest) -> dict[str, Any]:
    """Return the joining and naming choices of the batch or job to convert again."""
    if pk := uuid_of(request.GET.get("batch", "")):
        batch = batch_of(request, pk)
    elif pk := uuid_of(request.GET.get("job", "")):
        batch = job_of(request, pk).batch
    else:
        return {}
    return {"join": bool(batch.join), "name_pattern": batch.name_pattern}
