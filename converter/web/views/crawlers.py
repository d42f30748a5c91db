"""What search engines are told: which pages exist (sitemaps.org), and which to leave alone (RFC 9309)."""

from __future__ import annotations

from django.contrib.auth.decorators import login_not_required
from django.contrib.sitemaps import Sitemap
from django.contrib.sitemaps.views import sitemap as render_sitemap
from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from converter.methods import require_safe

PAGES = ("landing", "convert", "formats", "help", "api", "privacy", "terms")
# Shared images are not in it: crawlers have to read a page to learn that it must not be indexed.
LEFT_ALONE = ("accounts/", "admin/", "api/v1/", "batches/", "recipes/")


class PublicPages(Sitemap):  # type: ignore[type-arg]  # not subscriptable at run time
    def items(self) -> tuple[str, ...]:
        return PAGES

    def location(self, item: str) -> str:
        return reverse(f"web:{item}")


@login_not_required
@require_safe
def sitemap(request: HttpRequest) -> HttpResponse:
    return render_sitemap(request, {"pages": PublicPages})


@login_not_required
@require_safe
def robots(request: HttpRequest) -> HttpResponse:
    root = reverse("web:landing")
    lines = ["User-agent: *", *(f"Disallow: {root}{path}" for path in LEFT_ALONE)]
    lines.append(f"Sitemap: {request.build_absolute_uri(reverse('web:sitemap'))}")
    return HttpResponse("\n".join(lines) + "\n", content_type="text/plain; charset=utf-8")
