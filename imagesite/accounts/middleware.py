"""Ask for a login, and respond to too many guesses and to logins while too many others log in."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from django.contrib.auth.middleware import LoginRequiredMiddleware
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render

from imagesite.accounts.attempts import TooManyAttempts, count_miss
from imagesite.accounts.hashers import Busy

# Public pages whose links can be guessed: an unknown link returns 404.
LINKS = ("web:share", "web:share_download")
BUSY_SECONDS = 5


class LoginMiddleware(LoginRequiredMiddleware):
    """Look at the view before the user: signed links open while the database with the sessions is away."""

    def process_view(
        self, request: HttpRequest, view_func: Callable[..., Any], view_args: Any, view_kwargs: Any
    ) -> HttpResponseBase | None:
        if not getattr(view_func, "login_required", True):
            return None
        return super().process_view(request, view_func, view_args, view_kwargs)


class AttemptsMiddleware:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        match = request.resolver_match
        if response.status_code == 404 and match and match.view_name in LINKS:
            try:
                count_miss(request, "link")
            except TooManyAttempts as exc:
                return _too_many(request, exc)
        return response

    def process_exception(self, request: HttpRequest, exc: Exception) -> HttpResponse | None:
        if isinstance(exc, TooManyAttempts):
            return _too_many(request, exc)
        if isinstance(exc, Busy):
            response = render(request, "accounts/busy.html", status=503)
            response["Retry-After"] = str(BUSY_SECONDS)
            return response
        return None


def _too_many(request: HttpRequest, exc: TooManyAttempts) -> HttpResponse:
    minutes = math.ceil(exc.seconds / 60)
    response = render(request, "accounts/too_many_attempts.html", {"minutes": minutes}, status=429)
    response["Retry-After"] = str(exc.seconds)
    return response
