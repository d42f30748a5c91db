"""Convert errors outside the endpoints to problem responses, for all URLs that programs use, and limit their waiting."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponseBase

from converter.api import waiting
from converter.api.problems import from_status
from converter.problems import CONTENT_TYPE

DOORS = ("/api/", "/mcp", "/results/")
UPLOADS = "/uploads"  # nothing is below it


def for_programs(request: HttpRequest) -> bool:
    """Return whether programs use the request's URL, rather than people."""
    return request.path_info.startswith(DOORS) or request.path_info == UPLOADS


class ProblemMiddleware:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        waiting.note_end(request.META.get("lambda.context"))
        response = self.get_response(request)
        if allowance := getattr(request, "allowance", None):
            for name, value in allowance.headers().items():
                response[name] = value
        if not for_programs(request):
            return response
        if response.status_code >= 400 and not _is_json(response):
            response = from_status(response)
        if _is_json(response):
            response["Content-Language"] = "en"  # whatever Accept-Language says
        return response


def _is_json(response: HttpResponseBase) -> bool:
    return response.get("Content-Type", "").startswith((CONTENT_TYPE, "application/json"))
