"""Serve a ZIP: redirect to it, or show a page that polls while the worker makes it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from converter import jobs
from converter.translation import translated
from converter.web.errors import refusal_page

SECONDS = "2"  # value of Retry-After


def hand_out(request: HttpRequest, make: Callable[[], str | None], back: dict[str, Any]) -> HttpResponse:
    """Redirect to the URL that `make` returns. While it returns None, respond 202 with a page that polls.

    `back` is the template context with the batch or share that the page links back to.
    """
    is_polled = bool(getattr(request, "htmx", False))
    try:
        url = make()
    except jobs.JobError as refusal:
        if is_polled:
            return render(request, "web/_zip.html", {**back, "refusal": translated(refusal.message)})
        return refusal_page(request, refusal)
    if is_polled:
        return render(request, "web/_zip.html", {**back, "url": url})
    if url:
        return redirect(url)
    response = render(request, "web/zip.html", {**back, "url": None}, status=202)
    response["Retry-After"] = SECONDS
    return response
