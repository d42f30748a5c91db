"""All addresses of the site, read from the URLconf, so that page tests cannot miss one."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

import pytest
from django.urls import URLPattern, URLResolver, get_resolver

PARAMETER = re.compile(r"<(?:\w+:)?(\w+)>")
ELSEWHERE = ("accounts/oidc/", "admin/", "api/", "uploads", "results/")
"""Not our own pages, except those added in `routes`: the admin is Django's, the API is for programs, and
`accounts/oidc/` redirects to a provider and back."""


def routes() -> list[str]:
    """Return the URLconf routes of all addresses that may be pages."""
    ours = {
        "admin/",
        "admin/converter/batch/",
        "admin/converter/job/",
        "admin/converter/job/<uuid:pk>/change/",
        "admin/overview/",
        "admin/people/<uuid:pk>/",
        "api/",
        "api/docs",
    }
    return sorted({*_routes(get_resolver()), *ours})


def address(route: str, samples: Mapping[str, str]) -> str:
    """Return an address for the route. Samples are keyed by the preceding segment: `batches` or `s/`."""

    def sample(found: re.Match[str]) -> str:
        before = PARAMETER.sub("", route[: found.start()]).rstrip("/").rsplit("/", 1)[-1]
        name = f"{before}/" if ">" in route[: found.start()] else before
        if name not in samples:
            pytest.fail(f"What should stand in {route} for the tests of all pages? Add a sample {name!r}.")
        return samples[name]

    return "/" + PARAMETER.sub(sample, route)


def _routes(resolver: URLResolver, before: str = "") -> Iterator[str]:
    for pattern in resolver.url_patterns:
        route = before + str(pattern.pattern)
        if route.startswith(ELSEWHERE):
            continue
        if isinstance(pattern, URLPattern):
            yield route
        else:
            yield from _routes(pattern, route)
