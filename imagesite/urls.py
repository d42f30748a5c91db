"""Joins the rooms."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.urls import URLResolver, include, path
from django.urls.resolvers import RoutePattern
from django.views.decorators.csrf import csrf_exempt
from django.views.i18n import set_language


class Later(URLResolver):
    """Addresses of a module that is loaded when the first request for it comes.

    The API takes a third of a cold start, the admin has more addresses than all else, and no page needs either. Whoever
    makes a page's links has all addresses gathered; here only those who name the namespace do.
    """

    def __init__(self, route: str, module: str, namespace: str) -> None:
        super().__init__(RoutePattern(route), module, app_name=namespace, namespace=namespace)

    def _populate(self) -> None:
        """Gather nothing yet."""

    @property
    def reverse_dict(self) -> Any:
        super()._populate()
        return super().reverse_dict

    @property
    def namespace_dict(self) -> Any:
        super()._populate()
        return super().namespace_dict

    @property
    def app_dict(self) -> Any:
        super()._populate()
        return super().app_dict


urlpatterns = [
    path("", include("converter.web.urls")),
    path("accounts/", include("imagesite.accounts.urls")),
    Later("admin/", "imagesite.oversight", "admin"),
    Later("api/", "imagesite.api", "api"),
    # Exempt: a forged choice harms nobody, and so the open pages need no cookie.
    path("language/", csrf_exempt(login_not_required(set_language)), name="set_language"),
]

if settings.STORAGES["uploads"]["BACKEND"] == "converter.storage.folder.FolderStorage":
    urlpatterns.append(path("storage/", include("converter.events.local")))
