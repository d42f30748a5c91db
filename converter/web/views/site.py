"""Public pages."""

from __future__ import annotations

import logging
import os
from datetime import timedelta
from functools import cache
from typing import Any, cast

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.contrib.staticfiles import finders
from django.core.files.storage import storages
from django.db import DatabaseError
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.templatetags.static import static
from django.utils import timezone
from django.views.decorators.cache import never_cache

from converter import engine, jobs, problems, storage
from converter.methods import require_GET, require_safe
from converter.models import Batch, Preferences
from converter.storage import Bucket, StorageFault
from converter.web.access import open_to_new_guests
from converter.web.http import LoggedInRequest
from converter.web.options import inputs, offered
from converter.web.views.convert import context_of

RECENT = 3  # batches on a guest's landing page, as guests have no history

logger = logging.getLogger(__name__)


@login_not_required
@open_to_new_guests
@require_safe
def landing(request: HttpRequest) -> HttpResponse:
    """Show the convert form, or only a description of the site if converting requires a login."""
    if not request.user.is_authenticated:
        return render(request, "web/landing_closed.html", _facts(settings.CONVERTER_RETENTION))
    return _open_landing(cast(LoggedInRequest, request))


def _open_landing(request: LoggedInRequest) -> HttpResponse:
    mine = Batch.objects.filter(owner_id=request.user.pk, kept=True, expires_at__gt=timezone.now())
    context = {
        **context_of(request),
        **_facts(Preferences.of(request.user).kept_for),
        "mine": mine[:RECENT] if jobs.is_guest(request.user) else [],
    }
    return render(request, "web/landing.html", context)


def _facts(kept_for: timedelta) -> dict[str, Any]:
    return {
        "reads": inputs(),
        "writes": offered(),
        "limits": jobs.limits(),
        "retention_hours": round(kept_for / timedelta(hours=1)),
        "hero_before": _size_of("converter/img/coffee.jpg"),
        "hero_after": _size_of("converter/img/coffee.webp"),
    }


@login_not_required
@require_safe
def formats(request: HttpRequest) -> HttpResponse:
    return render(request, "web/formats.html", {"formats": engine.FORMATS.values(), "limits": jobs.limits()})


@login_not_required
@require_safe
def problem(request: HttpRequest, code: str) -> HttpResponse:
    found = problems.ERRORS.get(code)
    if found is None:
        raise Http404
    return render(request, "web/problem.html", {"code": code, "problem": found})


@login_not_required
@require_safe
def favicon(request: HttpRequest) -> HttpResponse:
    """Redirect to the icon, for clients that request `/favicon.ico` without reading a page."""
    return redirect(static("converter/img/mark.svg"))


@login_not_required
@require_GET
@never_cache
def healthz(request: HttpRequest) -> JsonResponse:
    """Report whether the database and the stores respond, and whether there is room for one more image."""
    checks = {"database": "ok" if _database_answers() else "failed", "storage": _state_of_stores()}
    healthy = set(checks.values()) == {"ok"}
    return JsonResponse(
        {"status": "ok" if healthy else "unavailable", **checks}, status=200 if healthy else 503
    )


@cache
def _size_of(path: str) -> int:
    """Return the size of a static file in bytes, so that the sizes on the page are correct."""
    found = finders.find(path)
    return os.path.getsize(found) if found else 0


def _database_answers() -> bool:
    try:
        Batch.objects.exists()  # must query a table: SQLite answers other queries without its file
    except DatabaseError:
        logger.exception("The database is not responding")
        return False
    return True


def _state_of_stores() -> str:
    try:
        for name in ("uploads", "results"):
            storages[name].exists(f"{name}/healthz")
            bucket: Bucket = getattr(storage, name)
            if not bucket.has_room(jobs.limits().max_bytes):
                return "full"
    except (StorageFault, OSError):
        logger.exception("The storage is not responding")
        return "failed"
    return "ok"
