"""What visitors may want to know: help, privacy, terms."""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from converter import configuration, jobs


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
