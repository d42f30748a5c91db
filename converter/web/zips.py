"""Handing out a ZIP: at once, or by a page that waits while the worker makes it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from converter import jobs
from converter.translation import translated
from converter.web.errors import refusal_page

SECONDS = "2"  # until it is worth asking again


def hand_out(request: HttpRequest, make: Callable[[], str | None], back: dict[str, Any]) -> HttpResponse:
    """Lead to the link that `make` returns. While that is None the answer is 202, with a page that asks again.

    `back` is the context that says where the page leads back to: a batch or a share.
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
