"""Joins the rooms."""

from __future__ import annotations

from django.contrib import admin
from django.contrib.auth.decorators import login_not_required
from django.core.files.storage import storages
from django.urls import include, path
from django.views.decorators.csrf import csrf_exempt
from django.views.i18n import set_language

from converter.overview import overview
from converter.storage.folder import FolderStorage
from imagesite.accounts.views import admin_login

urlpatterns = [
    path("", include("converter.web.urls")),
    path("accounts/", include("imagesite.accounts.urls")),
    path("admin/login/", admin_login),
    path("admin/overview/", admin.site.admin_view(overview), name="admin_overview"),
    path("admin/", admin.site.urls),
    path("api/", include("imagesite.api")),
    # Exempt: a forged choice harms nobody, and so the open pages need no cookie.
    path("language/", csrf_exempt(login_not_required(set_language)), name="set_language"),
]

if isinstance(storages["uploads"], FolderStorage):
    urlpatterns.append(path("storage/", include("converter.events.local")))
