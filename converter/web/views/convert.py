"""The convert page, whose form also works without JavaScript, and the upload of logos."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.db import IntegrityError
from django.forms import Form
from django.http import HttpResponse, JsonResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _

from converter import configuration, engine, jobs
from converter.engine import naming
from converter.jobs.submit import submit
from converter.methods import require_http_methods, require_POST
from converter.models import Batch, Recipe, Upload
from converter.translation import translated
from converter.web import options, starters, texts
from converter.web.access import open_to_new_guests
from converter.web.forms import FilesForm, OutputForm, OutputFormSet, RecipeForm, WatermarkForm, initial_of
from converter.web.http import LoggedInRequest, number
from converter.web.matrix import MatrixForm
from converter.web.prefill import SitesOwn, asked_for, files_as_before, uploads_here
from converter.web.watermarks import keep, with_stored_watermark

PREFIX = "outputs"


@open_to_new_guests
@require_http_methods(["GET", "POST"])
def convert(request: LoggedInRequest) -> HttpResponse:
    if request.method == "GET":
        return render(request, "web/convert.html", context_of(request))

    files = _files_form(request, request.POST, request.FILES)
    uploads = uploads_here(request, request.POST.getlist("uploads"))
    matrix = MatrixForm(request.POST if "matrix" in request.POST else None)
    if matrix.is_bound:
        outputs = _with_one_more_or_less(request)
        if matrix.is_valid():
            outputs = OutputFormSet(prefix=PREFIX, initial=initial_of(matrix.recipes()))
        return _page(request, _files_as_typed(request), outputs, uploads, matrix=matrix)
    if "add" in request.POST or "remove" in request.POST:
        return _page(request, _files_as_typed(request), _with_one_more_or_less(request), uploads)

    outputs = OutputFormSet(_straight(request), request.FILES, prefix=PREFIX)
    if "save" in request.POST and not jobs.is_guest(request.user):
        return _save(request, outputs, uploads)
    if not (files.is_valid() and outputs.is_valid()):
        return _page(request, files, outputs, uploads, status=422)
    try:
        batch = _submit(request, files, uploads, _recipes(request, outputs))
    except jobs.InvalidSubmission as refusal:
        return _page(request, files, outputs, uploads, refusal, status=422)
    return redirect("web:batch", batch.pk)


def _save(request: LoggedInRequest, outputs: Any, uploads: Sequence[Upload]) -> HttpResponse:
    """Save the outputs as a recipe and continue with it. Used by pages without JavaScript."""
    name = RecipeForm(request.POST, prefix="save")
    if outputs.is_valid() and name.is_valid():
        saved = Recipe(owner_id=request.user.pk, name=name.cleaned_data["name"])
        try:
            jobs.save_recipe(request.user, saved, _recipes(request, outputs))
        except IntegrityError:
            name.add_error("name", _("You already have a recipe with this name."))
        except jobs.InvalidSubmission as refusal:
            return _page(request, _files_as_typed(request), outputs, uploads, refusal, status=422, save=name)
        else:
            messages.success(request, _("“%(name)s” saved.") % {"name": saved.name})
            return redirect(f"{reverse('web:convert')}?recipe={saved.pk}")
    return _page(request, _files_as_typed(request), outputs, uploads, status=422, save=name)


@open_to_new_guests
@require_POST
def read_outputs(request: LoggedInRequest) -> JsonResponse:
    """Return the recipe of each output in the form, or its errors by field."""
    outputs = OutputFormSet(request.POST, prefix=PREFIX)
    return JsonResponse({"outputs": [_read(form) for form in outputs.forms]})


@open_to_new_guests
@require_POST
def watermark(request: LoggedInRequest) -> JsonResponse:
    """Store a logo and return its upload id."""
    form = WatermarkForm(request.POST, request.FILES)
    if not form.is_valid():
        return JsonResponse({"detail": _("Choose an image.")}, status=422)
    try:
        upload = keep(request, form.cleaned_data["file"])
    except jobs.InvalidSubmission as refusal:
        return JsonResponse({"detail": translated(refusal.message), "code": refusal.code}, status=422)
    return JsonResponse({"id": str(upload.pk), "name": upload.name}, status=201)


def context_of(request: LoggedInRequest) -> dict[str, Any]:
    """Return the template context of a page with the form, prefilled from the page's URL."""
    uploads, recipes = asked_for(request)
    outputs = OutputFormSet(prefix=PREFIX, initial=initial_of(recipes))
    is_free = isinstance(recipes[0], SitesOwn)
    files = _files_form(request, initial=files_as_before(request))
    return {**_context(request, files, outputs, uploads), "is_free": is_free}


def _files_form(request: LoggedInRequest, *args: Any, **initial: dict[str, Any]) -> FilesForm:
    return FilesForm(*args, by_url=not jobs.is_guest(request.user), **initial)


def _files_as_typed(request: LoggedInRequest) -> FilesForm:
    """Return the form with the values entered so far, unvalidated. File inputs cannot be refilled."""
    typed = {name: request.POST.get(name, "") for name in ("addresses", "join", "name_pattern")}
    return _files_form(request, initial=typed)


def _page(
    request: LoggedInRequest,
    files: FilesForm,
    outputs: Any,
    uploads: Sequence[Upload],
    refusal: jobs.InvalidSubmission | None = None,
    status: int = 200,
    **forms: Form,
) -> HttpResponse:
    """Render the page. `forms` replace the empty forms of the same names."""
    context = {**_context(request, files, outputs, uploads), "refusal": refusal, **forms}
    return render(request, "web/convert.html", context, status=status)


def _context(
    request: LoggedInRequest, files: FilesForm, outputs: Any, uploads: Sequence[Upload]
) -> dict[str, Any]:
    """Return the template context.

    `is_free` means that nobody has chosen the options, so that scripts may adapt the format to the images.
    """
    return {
        "is_free": False,
        "files": files,
        "outputs": outputs,
        "uploads": uploads,
        "starters": starters.offered(),
        "photo_extensions": _photo_extensions(encodes=True),
        "photo_extensions_read_only": _photo_extensions(encodes=False),
        "matrix": MatrixForm(),
        "save": RecipeForm(prefix="save"),
        "name_patterns": naming.EXAMPLES,
        "join_formats": [format.name for format in options.offered() if format.paper],
        "saved": Recipe.objects.filter(owner_id=request.user.pk),
        "limits": jobs.limits(),
        "straight": options.offered(),
        "formats": [format.label for format in options.inputs()],
        "one_shot_bytes": settings.CONVERTER_ONE_SHOT_BYTES,
        "max_files": _max_files(request),
        "texts": texts.for_convert(),
    }


def _photo_extensions(encodes: bool) -> list[str]:
    """Return the file extensions of photo formats: those the engine can write, or those it can only read."""
    photos = [format for format in options.inputs() if format.photographs and format.encodes == encodes]
    return [extension for format in photos for extension in format.extensions]


def _max_files(request: LoggedInRequest) -> int:
    """Return how many images one batch may have; for a guest, no more than the hourly limit."""
    most = configuration.current().most_files
    hourly: int = settings.CONVERTER_GUEST_JOBS_AN_HOUR
    return min(most, hourly) if hourly and jobs.is_guest(request.user) else most


def _with_one_more_or_less(request: LoggedInRequest) -> Any:
    """Return the outputs entered so far, with one added or removed. Used by pages without JavaScript."""
    data = request.POST.copy()
    outputs = OutputFormSet(data, prefix=PREFIX)
    recipes = [form.mapping() if form.is_valid() else {"format": "webp"} for form in outputs.forms]
    gone = number(str(data.get("remove", "")))
    if "add" in data:
        recipes.append({"format": "jpeg"})
    elif gone is not None and len(recipes) > 1:
        del recipes[gone : gone + 1]
    return OutputFormSet(prefix=PREFIX, initial=initial_of(recipes[: OutputFormSet.max_num]))


def _straight(request: LoggedInRequest) -> QueryDict:
    """Return the form data, with the format of the one-click convert button if that was pressed."""
    if "to" not in request.POST:
        return request.POST
    data = request.POST.copy()
    data[f"{PREFIX}-0-format"] = str(data["to"])
    return data


def _read(form: OutputForm) -> dict[str, Any]:
    if form.is_valid():
        return {"recipe": form.mapping()}
    return {"errors": {name: list(errors) for name, errors in form.errors.items()}}


def _recipes(request: LoggedInRequest, outputs: Any) -> list[engine.Recipe]:
    return [with_stored_watermark(request, form) for form in outputs.forms]


def _submit(
    request: LoggedInRequest,
    chosen: FilesForm,
    uploads: Sequence[Upload],
    recipes: list[engine.Recipe],
) -> Batch:
    """Create the batch from the acceptable files, and warn about each skipped file."""
    files = [(file, jobs.NewFile(file.name or "", file.size or 0)) for file in chosen.cleaned_data["images"]]
    problems = [problem for _, new in files if (problem := jobs.file_problem(new))]
    taken = [(file, new) for file, new in files if not jobs.file_problem(new)]
    addresses = chosen.cleaned_data.get("addresses", [])
    if problems and not (taken or uploads or addresses):
        raise jobs.InvalidSubmission(problems=problems)
    batch = submit(
        request.user,
        outputs=recipes,
        files=[*(new for _, new in taken), *addresses],
        uploads=uploads,
        name_pattern=chosen.cleaned_data["name_pattern"],
        join=chosen.cleaned_data["join"] and _can_join(recipes, len(taken) + len(uploads) + len(addresses)),
    )
    known = {upload.pk for upload in uploads}
    sources = dict.fromkeys(upload for job in _jobs_of(batch) for upload in job.uploads)
    fresh = [upload for upload in sources if upload.pk not in known and not upload.source_url]
    for upload, (file, _new) in zip(fresh, taken, strict=True):
        jobs.store(upload, file)
    for problem in problems:
        messages.warning(request, _("Skipped: %(problem)s") % {"problem": translated(problem)})
    return batch


def _can_join(recipes: Sequence[engine.Recipe], images: int) -> bool:
    """Return whether the images can be joined: there are several, and the only output is a paged format."""
    return images > 1 and len(recipes) == 1 and not recipes[0].is_auto and recipes[0].target.paper


def _jobs_of(batch: Batch) -> Any:
    return batch.jobs.select_related("upload").order_by("position")
