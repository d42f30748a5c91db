"""Error pages for refused requests, server errors and failed CSRF checks."""

from __future__ import annotations

import sys

from django.core.exceptions import RequestDataTooBig
from django.db import OperationalError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template import loader
from django.utils.translation import gettext as _
from django.views import defaults

from converter import jobs
from converter.problems import ERRORS, CodedError
from converter.storage import StorageFault

RETRY_SECONDS = 5


def refusal_page(request: HttpRequest, refusal: CodedError) -> HttpResponse:
    """Return the error page, with the HTTP status of the refusal's code."""
    status = ERRORS[refusal.code].status
    title = _("This has expired") if status == 410 else _("Not possible right now")
    context = {"title": title, "refusal": refusal, "status": status}
    return render(request, "web/refusal.html", context, status=status)


def unreadable(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Return the error page for a request that Django could not or would not read.

    Django's own view would read the form again, for its CSRF token.
    """
    status = 413 if isinstance(exception, RequestDataTooBig) else 400
    return HttpResponse(loader.get_template(f"{status}.html").render(), status=status)


def broken(request: HttpRequest) -> HttpResponse:
    """Return the error page for an uncaught exception.

    A full or unreachable database or store has a page of its own; anything else is a server error. The page
    reads nothing from the database, not even the user.
    """
    exc = sys.exc_info()[1]
    if not isinstance(exc, OperationalError | StorageFault):
        return defaults.server_error(request)
    status = ERRORS[jobs.hindrance_of(exc)].status
    response = HttpResponse(loader.get_template(f"{status}.html").render(), status=status)
    if status == 503:
        response["Retry-After"] = str(RETRY_SECONDS)
    return response


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Return the page for a form with a missing or wrong CSRF token, or from another origin."""
    context = {"is_other_origin": reason.startswith(("Origin checking", "Referer checking"))}
    return render(request, "403_csrf.html", context, status=403)
