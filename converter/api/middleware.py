"""Sees to it that whatever goes wrong under /api/ is said as a problem, before and behind the endpoints too."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponseBase

from converter.api.problems import from_status
from converter.problems import CONTENT_TYPE


class ProblemMiddleware:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        if response.status_code < 400 or not request.path_info.startswith("/api/"):
            return response
        if response.get("Content-Type") == CONTENT_TYPE:
            return response
        return from_status(response)
