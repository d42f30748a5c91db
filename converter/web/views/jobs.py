"""The page of a job: one image and its result."""

from __future__ import annotations

import uuid
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _

from converter import jobs, metadata
from converter.methods import require_POST, require_safe
from converter.models import Job
from converter.translation import translated
from converter.web.access import job_of, open_to_guests
from converter.web.errors import refusal_page
from converter.web.forms import ResendForm
from converter.web.http import LoggedInRequest


@open_to_guests
@require_safe
def job(request: LoggedInRequest, pk: uuid.UUID) -> HttpResponse:
    found = job_of(request, pk)
    awaits_file = (
        found.status == Job.Status.AWAITING_UPLOAD and not found.upload.source_url and not found.is_joined
    )
    siblings = Job.objects.filter(batch=found.batch_id, owner_id=request.user.pk)
    finished = (
        siblings.filter(status=Job.Status.FINISHED).select_related("upload", "batch").order_by("position")
    )
    context = {
        "job": found,
        **_previews(found),
        "facts": metadata.store().get(found.upload_id)
        if found.upload.is_here and not found.is_joined
        else None,
        "resend": ResendForm() if awaits_file else None,
        "picture": jobs.snippets(finished).get(found.upload_id, ""),
        "before": siblings.filter(position__lt=found.position).order_by("-position").first(),
        "after": siblings.filter(position__gt=found.position).order_by("position").first(),
    }
    return render(request, "web/_job.html" if request.htmx else "web/job.html", context)


@open_to_guests
@require_safe
def compare(request: LoggedInRequest, pk: uuid.UUID) -> HttpResponse:
    """Return the comparison part of the page, which is polled until its previews are made."""
    found = job_of(request, pk)
    return render(request, "web/_compare.html", {"job": found, **_previews(found)})


def _previews(found: Job) -> dict[str, Any]:
    """Return the URLs of the previews, or the reason why there are none."""
    try:
        return {"previews": jobs.preview_urls(found)}
    except jobs.JobError as refusal:
        return {"refusal": translated(refusal.message)}


@open_to_guests
@require_safe
def download(request: LoggedInRequest, pk: uuid.UUID) -> HttpResponse:
    try:
        return redirect(jobs.result_url(job_of(request, pk)))
    except jobs.JobError as refusal:
        return refusal_page(request, refusal)


@open_to_guests
@require_safe
def original(request: LoggedInRequest, pk: uuid.UUID) -> HttpResponse:
    try:
        return redirect(jobs.original_url(job_of(request, pk).upload))
    except jobs.JobError as refusal:
        return refusal_page(request, refusal)


@open_to_guests
@require_POST
def retry(request: LoggedInRequest, pk: uuid.UUID) -> HttpResponse:
    found = job_of(request, pk)
    try:
        jobs.retry(found)
    except jobs.JobError as refusal:
        return refusal_page(request, refusal)
    return _back(request, found)


@open_to_guests
@require_POST
def cancel(request: LoggedInRequest, pk: uuid.UUID) -> HttpResponse:
    found = job_of(request, pk)
    try:
        jobs.cancel(found)
    except jobs.JobError as refusal:
        return refusal_page(request, refusal)
    return _back(request, found)


@open_to_guests
@require_POST
def resend(request: LoggedInRequest, pk: uuid.UUID) -> HttpResponse:
    """Accept the file of an upload that never arrived."""
    found = job_of(request, pk)
    form = ResendForm(request.POST, request.FILES)
    if not form.is_valid():
        messages.error(request, _("Choose the image first."))
        return redirect("web:job", pk)
    file = form.cleaned_data["file"]
    try:
        jobs.upload_form(found.upload)  # raises unless the upload is still awaited
    except jobs.JobError as refusal:
        return refusal_page(request, refusal)
    if problem := jobs.file_problem(jobs.NewFile(found.upload.name, file.size)):
        messages.error(request, translated(problem))
        return redirect("web:job", pk)
    jobs.store(found.upload, file)
    return redirect("web:job", pk)


@open_to_guests
@require_POST
def reuse(request: LoggedInRequest, pk: uuid.UUID) -> HttpResponse:
    """Redirect to the convert page with the result as the image."""
    try:
        upload = jobs.use_result(job_of(request, pk))
    except jobs.JobError as refusal:
        return refusal_page(request, refusal)
    return redirect(f"{reverse('web:convert')}?upload={upload.pk}")


def _back(request: LoggedInRequest, found: Job) -> HttpResponse:
    if request.POST.get("from") == "batch":
        return redirect("web:batch", found.batch_id)
    return redirect("web:job", found.pk)
