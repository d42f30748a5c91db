"""The root URLs: pages, accounts, admin and API."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.urls import URLResolver, include, path
from django.urls.resolvers import RoutePattern
from django.views.decorators.csrf import csrf_exempt
from django.views.i18n import set_language


class LazyURLResolver(URLResolver):
    """Include a URL module that is imported on the first request for it.

    The API takes a third of a cold start, the admin has more URLs than everything else, and no page needs either.
    `reverse()` populates the whole resolver; here only reversing a name in this namespace does.
    """

    def __init__(self, route: str, module: str, namespace: str) -> None:
        super().__init__(RoutePattern(route), module, app_name=namespace, namespace=namespace)

    def _populate(self) -> None:
        """Do nothing until a name of this namespace is reversed."""

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


handler400 = "converter.web.errors.unreadable"
handler500 = "converter.web.errors.broken"

urlpatterns = [
    path("", include("converter.web.urls")),
    path("accounts/", include("imagesite.accounts.urls")),
    LazyURLResolver("admin/", "imagesite.admin_urls", "admin"),
    LazyURLResolver("api/", "imagesite.api", "api"),
    LazyURLResolver("mcp", "imagesite.mcp", "mcp"),
    # Exempt from CSRF: a forged choice is harmless, and public pages need no cookie this way.
    path("language/", csrf_exempt(login_not_required(set_language)), name="set_language"),
]

if not settings.IN_CLOUD:
    urlpatterns.append(path("", include("converter.events.local")))

if settings.CONVERTER_METRICS_TOKEN:
    from converter.events.scrape import scrape  # slow to import, and off by default

    urlpatterns.append(path("metrics", scrape, name="metrics"))
