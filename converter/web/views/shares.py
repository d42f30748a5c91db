"""Shared results, which anyone with the link can see without an account."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import timedelta
from functools import wraps
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.db.models import Count
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache

from converter import engine, jobs
from converter.methods import require_http_methods, require_POST, require_safe
from converter.models import Job, Share
from converter.web.access import batch_of, share_of
from converter.web.errors import refusal_page
from converter.web.forms import ShareForm
from converter.web.http import LoggedInRequest
from converter.web.zips import hand_out

# The maximum size in bytes of an image that a shared page shows.
MOST_SHOWN_BYTES = 2_000_000


@require_http_methods(["GET", "POST"])
def share(request: LoggedInRequest, pk: uuid.UUID) -> HttpResponse:
    """Choose which results of a batch to share, and for how long."""
    found = batch_of(request, pk)
    finished = list(
        found.jobs.filter(status=Job.Status.FINISHED).select_related("upload").order_by("position")
    )
    form = ShareForm(finished, request.POST or None)
    if request.method == "POST" and form.is_valid():
        chosen = [job for job in finished if str(job.pk) in form.cleaned_data["jobs"]]
        hours = form.cleaned_data["hours"]
        try:
            jobs.share(found, chosen, timedelta(hours=hours) if hours else None)
        except jobs.JobError as refusal:
            return refusal_page(request, refusal)
        messages.success(request, _("Link created. Anyone with the link can view and download the results."))
        return redirect("web:batch", pk)
    context = {
        "batch": found,
        "form": form,
        "shares": found.shares.open(timezone.now()).annotate(results=Count("jobs")),
    }
    return render(request, "web/share.html", context, status=422 if form.is_bound else 200)


@require_POST
def revoke(request: LoggedInRequest, pk: uuid.UUID) -> HttpResponse:
    found = share_of(request, pk)
    if jobs.revoke_share(found):
        messages.success(request, _("Sharing stopped. The link no longer works."))
    return redirect("web:batch", found.batch_id)


def _for_everybody(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Decorate a view that is open to anyone with the link. Its responses are not cached or indexed."""

    @login_not_required
    @require_safe
    @never_cache
    @wraps(view)
    def shown(request: HttpRequest, token: str, **parts: Any) -> HttpResponse:
        try:
            response = view(request, jobs.open_share(token), **parts)
        except Share.DoesNotExist as exc:
            raise Http404 from exc
        except jobs.JobError as refusal:
            response = refusal_page(request, refusal)
        response["X-Robots-Tag"] = "noindex"
        return response

    return shown


@_for_everybody
def shared(request: HttpRequest, share: Share) -> HttpResponse:
    results = (
        share.jobs.filter(status=Job.Status.FINISHED).select_related("upload", "batch").order_by("position")
    )
    pictures = [(job, _picture(job)) for job in results]
    # Read the original method: HEAD requests are handled as GET, but should not be counted.
    if request.META["REQUEST_METHOD"] == "GET" and request.user.pk != share.owner_id:
        jobs.count_opening(share)
    total = sum(job.result_size or 0 for job, _ in pictures)
    return render(request, "web/shared.html", {"share": share, "pictures": pictures, "total": total})


@_for_everybody
def download(request: HttpRequest, share: Share, pk: uuid.UUID) -> HttpResponse:
    job = share.jobs.select_related("upload", "batch").filter(pk=pk).first()
    if job is None:
        raise Http404
    return redirect(jobs.result_url(job, jobs.SHARED_LIFETIME))


@_for_everybody
def zip_file(request: HttpRequest, share: Share) -> HttpResponse:
    """Redirect to the ZIP of the shared results, or show a page that polls while the worker makes it."""
    return hand_out(request, lambda: jobs.shared_zip_url(share), {"share": share})


def _picture(job: Job) -> str | None:
    """Return a URL of the result itself. The thumbnail cannot be used, as it shows the original."""
    shows = engine.FORMATS[job.result_format].shows_in_browser
    return (
        jobs.result_url(job, jobs.SHARED_LIFETIME)
        if shows and (job.result_size or 0) <= MOST_SHOWN_BYTES
        else None
    )
