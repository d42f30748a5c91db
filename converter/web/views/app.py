"""The site as an installable app: web app manifest, service worker and share target."""

from __future__ import annotations

import hashlib
import json
from functools import cache
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.template.loader import render_to_string
from django.templatetags.static import static
from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt

from converter.methods import require_POST, require_safe
from converter.web import texts
from converter.web.forms import accepted

COLOR = "#f6f5f1"
STYLES = ("tokens", "base", "parts")
ICONS = (
    {"src": "icon-192.png", "sizes": "192x192"},
    {"src": "icon-512.png", "sizes": "512x512"},
    {"src": "icon-maskable-512.png", "sizes": "512x512", "purpose": "maskable"},
)


@login_not_required
@require_safe
def manifest(request: HttpRequest) -> JsonResponse:
    """Return the web app manifest (W3C), including a share target."""
    if not settings.CONVERTER_INSTALLABLE:
        raise Http404
    start = reverse("web:landing")
    found = {
        "id": start,
        "start_url": start,
        "scope": start,
        "name": "Imagesite",
        "short_name": "Imagesite",
        "description": _("Convert, resize and watermark images"),
        "lang": get_language(),
        "display": "standalone",
        "background_color": COLOR,
        "theme_color": COLOR,
        "icons": [
            {"type": "image/png", **icon, "src": static(f"converter/img/{icon['src']}")} for icon in ICONS
        ],
        "share_target": {
            "action": reverse("web:share_target"),
            "method": "POST",
            "enctype": "multipart/form-data",
            "params": {"files": [{"name": "images", "accept": accepted().split(",")}]},
        },
    }
    return JsonResponse(found, content_type="application/manifest+json")


@login_not_required
@require_safe
@never_cache
def worker(request: HttpRequest) -> HttpResponse:
    """Return the service worker. If the site is not installable, it removes itself and its caches."""
    script = f"const site = {json.dumps(_site())};\n{_source()}"
    return HttpResponse(script, content_type="text/javascript")


@login_not_required
@require_safe
def offline(request: HttpRequest) -> HttpResponse:
    """Return the page that the service worker shows without a connection. It is the same for all users."""
    return HttpResponse(_offline_page())


@login_not_required
@csrf_exempt
@require_POST
def share_target(request: HttpRequest) -> HttpResponse:
    """Redirect to the convert page, which reports that nothing arrived.

    The service worker normally intercepts this request and takes the shared files.
    """
    return redirect(_taker())


@login_not_required
@require_safe
def messages(request: HttpRequest) -> JsonResponse:
    """Return the templates of the API's messages, for the scripts."""
    return JsonResponse(texts.for_messages())


def _site() -> dict[str, Any]:
    kept = [reverse("web:offline"), *(static(f"converter/css/{name}.css") for name in STYLES)]
    version = hashlib.sha256(f"{_offline_page()}{_source()}".encode()).hexdigest()[:16]
    return {
        "isOff": not settings.CONVERTER_INSTALLABLE,
        "cache": f"imagesite-{version}" if settings.CONVERTER_INSTALLABLE else "",
        "kept": kept,
        "offline": kept[0],
        "pages": [reverse(f"web:{name}") for name in ("landing", "convert", "batches", "recipes")],
        "share": reverse("web:share_target"),
        "taker": _taker(),
    }


def _taker() -> str:
    return f"{reverse('web:convert')}?shared"


def _offline_page() -> str:
    """Return the page without anything about the user, since the browser keeps it after logout."""
    return render_to_string("web/offline.html")


@cache
def _source() -> str:
    return Path(__file__).parent.with_name("worker.js").read_text()
