"""The error page for a refused action."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _

from converter.problems import ERRORS, CodedError


def refusal_page(request: HttpRequest, refusal: CodedError) -> HttpResponse:
    """Return the error page, with the status of the code."""
    status = ERRORS[refusal.code].status
    title = _("This has expired") if status == 410 else _("Not possible right now")
    context = {"title": title, "refusal": refusal, "status": status}
    return render(request, "web/refusal.html", context, status=status)
