"""The error page for a refused action."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _

from converter import jobs
from converter.web import phrases


def refusal_page(request: HttpRequest, refusal: jobs.JobError) -> HttpResponse:
    """Return the error page: 410 for what has expired, else 409."""
    status = 410 if isinstance(refusal, jobs.Gone) else 409
    title = _("This has expired") if status == 410 else _("Not possible right now")
    return render(
        request,
        f"{status}.html",
        {"title": title, "message": phrases.translated(str(refusal)), "code": refusal.code},
        status=status,
    )
