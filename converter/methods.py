"""Django's decorators for the methods of a view, which also note them on it.

`imagesite.middleware.MethodMiddleware` reads the note, since a form's CSRF token is checked before the view runs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from django.views.decorators import http

V = TypeVar("V", bound=Callable[..., Any])


def require_http_methods(methods: Sequence[str]) -> Callable[[V], V]:
    def decorated(view: V) -> V:
        limited = http.require_http_methods(methods)(view)
        limited.methods = methods  # type: ignore[attr-defined]
        return limited

    return decorated


def require_GET(view: V) -> V:  # Django's name
    return require_http_methods(["GET"])(view)


def require_safe(view: V) -> V:
    return require_http_methods(["GET", "HEAD"])(view)


def require_POST(view: V) -> V:
    return require_http_methods(["POST"])(view)


def methods_of(view: Callable[..., Any]) -> Sequence[str] | None:
    """Return the methods that a view accepts, or None if it does not say."""
    if kind := getattr(view, "view_class", None):
        return [name.upper() for name in kind.http_method_names if hasattr(kind, name)]
    methods: Sequence[str] | None = getattr(view, "methods", None)
    return methods
