"""Information pages: help, privacy, terms, and the guide to the API."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from converter import configuration, jobs
from converter.methods import require_safe

RECIPES: tuple[tuple[Promise, dict[str, Any]], ...] = (
    (_("Fit into 1600 pixels"), {"format": "webp", "resize": {"width": 1600, "height": 1600}}),
    (_("At most 200 KB"), {"format": "jpeg", "target_bytes": 200_000}),
    (
        _("A square with the most interesting part"),
        {"format": "jpeg", "resize": {"mode": "fill", "width": 600, "height": 600, "gravity": "smart"}},
    ),
    (_("The smallest format that looks the same"), {"format": "auto", "aim": "near_identical"}),
    (_("Your name as a watermark"), {"format": "jpeg", "watermark": {"text": "© You"}}),
    (_("Camera data without the location"), {"format": "jpeg", "metadata": "strip_location"}),
    (_("A4 page"), {"format": "pdf", "page": "a4"}),
)
"""Example recipes with their purposes."""


@login_not_required
@require_safe
def help_page(request: HttpRequest) -> HttpResponse:
    return _page(request, "web/help.html")


@login_not_required
@require_safe
def privacy(request: HttpRequest) -> HttpResponse:
    return _page(request, "web/privacy.html")


@login_not_required
@require_safe
def terms(request: HttpRequest) -> HttpResponse:
    return _page(request, "web/terms.html")


@login_not_required
@require_safe
def api(request: HttpRequest) -> HttpResponse:
    """Show the guide to the API. Its examples use this site's URL, so that they work when pasted."""
    context = {
        "site": request.build_absolute_uri(reverse("web:landing")),
        "recipes": [(purpose, json.dumps(recipe, ensure_ascii=False)) for purpose, recipe in RECIPES],
        "requests": settings.CONVERTER_REQUESTS_A_MINUTE,
    }
    return render(request, "web/api.html", context)


def _page(request: HttpRequest, template: str) -> HttpResponse:
    hour = timedelta(hours=1)
    context = {
        "guests": settings.CONVERTER_GUESTS,
        "guest_jobs": settings.CONVERTER_GUEST_JOBS_AN_HOUR,
        "guest_hours": round(settings.CONVERTER_GUEST_RETENTION / hour),
        "hours": round(settings.CONVERTER_RETENTION / hour),
        "most_days": round(settings.CONVERTER_MAX_RETENTION / timedelta(days=1)),
        "limits": jobs.limits(),
        "max_files": configuration.current().most_files,
        "contact": settings.CONVERTER_CONTACT_EMAIL,
    }
    return render(request, template, context)
