"""The history, and the page of a batch with its jobs."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Count, Exists, OuterRef, Prefetch, prefetch_related_objects
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from converter import jobs
from converter.engine.filenames import clean_name
from converter.ids import uuid_of
from converter.methods import require_http_methods, require_POST, require_safe
from converter.models import Batch, Job, Source, Tally
from converter.snapshot import snapshot
from converter.web.access import batch_of, open_to_guests
from converter.web.filters import HistoryFilter, search
from converter.web.forms import ResendManyForm
from converter.web.http import LoggedInRequest
from converter.web.zips import hand_out

PAGE = 20
JOBS_PAGE = 100
SHOWN = 5  # pictures per batch in the history


@require_safe
def history(request: LoggedInRequest) -> HttpResponse:
    wanted = HistoryFilter(request.GET)
    after = request.GET.get("after")
    batches = wanted.in_time(Batch.objects.filter(owner_id=request.user.pk, kept=True))
    first = Job.objects.select_related("upload").order_by("position")[:SHOWN]
    sources = Prefetch("sources", Source.objects.filter(position__lt=SHOWN))
    with snapshot():
        found = search(batches, wanted.jobs(), after, PAGE)
        prefetch_related_objects(
            found.batches, Prefetch("jobs", first.prefetch_related(sources), to_attr="first_jobs")
        )
        tallies = Batch.objects.filter(pk__in=[batch.pk for batch in found.batches]).tallies()
    for batch in found.batches:
        batch.tally = tallies[batch.pk]
    context = {
        "batches": found.batches,
        "filter": wanted,
        "after": after,
        "following": found.following,
        "looked_back_to": found.looked_back_to,
    }
    return render(request, "web/history.html", context)


@open_to_guests
@require_safe
def batch(request: LoggedInRequest, pk: uuid.UUID) -> HttpResponse:
    with snapshot():
        found = batch_of(request, pk)
        tally = found.tally
        working = tally.done < tally.total
        rows = found.jobs.select_related("upload").order_by("position")
        if tally.count(Job.Status.FAILED) and not working:
            failed = found.jobs.filter(status=Job.Status.FAILED)
            rows = rows.annotate(is_bad=Exists(failed.filter(upload=OuterRef("upload")))).order_by(
                "-is_bad", "position"
            )
        outputs = len(found.outputs) or 1
        whole = max(1, JOBS_PAGE // outputs) * outputs  # do not split an image over two pages
        page = Paginator(rows, whole).get_page(request.GET.get("page"))
        page.object_list = list(page.object_list)
        retryable = not working and _may_be_retried(found, tally)
        shares = list(found.shares.open(timezone.now()).annotate(results=Count("jobs")))
    shows_html = outputs > 1 and tally.finished and not working and not found.is_expired
    polls = int(request.GET.get("polls", "0")[:3] or 0) if request.GET.get("polls", "0").isdecimal() else 0
    context = {
        "batch": found,
        "tally": tally,
        "page": page,
        "working": working,
        "html": "\n\n".join(_snippets(found, page.object_list)) if shows_html else "",
        "polls": polls + 1,
        "delay": min(2**polls, 10),
        "shares": shares,
        "retryable": retryable,
        "missing": jobs.missing_uploads(found).count() if tally.count(Job.Status.AWAITING_UPLOAD) else 0,
        "resend": ResendManyForm(),
    }
    return render(request, "web/_batch.html" if request.htmx else "web/batch.html", context)


def _may_be_retried(batch: Batch, tally: Tally) -> bool:
    if not tally.count(Job.Status.FAILED):
        return bool(tally.count(Job.Status.CANCELLED))
    return Job.objects.filter(batch=batch).passing().exists()


def _snippets(batch: Batch, shown: Sequence[Job]) -> list[str]:
    """Return a `<picture>` element for each image on this page, with the file names of the batch's ZIP."""
    finished = batch.jobs.filter(status=Job.Status.FINISHED).select_related("upload").order_by("position")
    found = jobs.snippets(finished)
    return [found[upload] for upload in dict.fromkeys(job.upload_id for job in shown) if upload in found]


@open_to_guests
@require_POST
def resend(request: LoggedInRequest, pk: uuid.UUID) -> HttpResponse:
    """Accept missing files of a batch, matching them by name and size."""
    found = batch_of(request, pk)
    missing = list(jobs.missing_uploads(found))
    form = ResendManyForm(request.POST, request.FILES)
    files = form.cleaned_data["images"] if form.is_valid() else []
    came = 0
    for file in files:
        like = (clean_name(file.name or ""), file.size)
        upload = next((upload for upload in missing if (upload.name, upload.size) == like), None)
        if upload is None:
            continue
        missing.remove(upload)
        jobs.store(upload, file)
        came += 1
    if came:
        messages.success(
            request, ngettext("%(n)s image arrived.", "%(n)s images arrived.", came) % {"n": came}
        )
    if strange := len(files) - came:
        messages.warning(
            request,
            ngettext(
                "%(n)s file is not one of the missing images.",
                "%(n)s files are not among the missing images.",
                strange,
            )
            % {"n": strange},
        )
    return redirect("web:batch", pk)


@open_to_guests
@require_POST
def cancel(request: LoggedInRequest, pk: uuid.UUID) -> HttpResponse:
    found = batch_of(request, pk)
    count = jobs.cancel_batch(found)
    messages.success(request, ngettext("%(n)s job cancelled.", "%(n)s jobs cancelled.", count) % {"n": count})
    return redirect("web:batch", pk)


@open_to_guests
@require_POST
def retry(request: LoggedInRequest, pk: uuid.UUID) -> HttpResponse:
    found = batch_of(request, pk)
    count = jobs.retry_batch(found, where_it_may_help=True)
    if count:
        messages.success(
            request, ngettext("Retrying %(n)s job.", "Retrying %(n)s jobs.", count) % {"n": count}
        )
    else:
        messages.warning(request, _("Nothing to retry: it would fail again."))
    return redirect("web:batch", pk)


@open_to_guests
@require_http_methods(["GET", "POST"])
def delete(request: LoggedInRequest, pk: uuid.UUID) -> HttpResponse:
    found = batch_of(request, pk)
    if request.method == "GET":
        return render(request, "web/batch_delete.html", {"batch": found, "tally": found.tally})
    jobs.remove(found)
    messages.success(request, _("Batch deleted."))
    return redirect("web:landing" if jobs.is_guest(request.user) else "web:batches")


@require_POST
def delete_many(request: LoggedInRequest) -> HttpResponse:
    """Delete the selected batches, after asking for confirmation."""
    ids = [pk for text in request.POST.getlist("batch") if (pk := uuid_of(text))]
    chosen = list(Batch.objects.filter(owner_id=request.user.pk, pk__in=ids))
    if not chosen:
        messages.warning(request, _("Select at least one batch first."))
        return redirect("web:batches")
    if "sure" not in request.POST:
        return render(request, "web/batches_delete.html", {"batches": chosen})
    for found in chosen:
        jobs.remove(found)
    count = len(chosen)
    messages.success(
        request, ngettext("%(n)s batch deleted.", "%(n)s batches deleted.", count) % {"n": count}
    )
    return redirect("web:batches")


@open_to_guests
@require_safe
def zip_file(request: LoggedInRequest, pk: uuid.UUID) -> HttpResponse:
    """Redirect to the ZIP, or show a page that polls while the worker makes it."""
    found = batch_of(request, pk)
    return hand_out(request, lambda: jobs.zip_url(found), {"batch": found})
