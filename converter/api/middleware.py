"""Turns errors outside the endpoints into problems too, for every URL that programs use."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponseBase

from converter.api.problems import from_status
from converter.problems import CONTENT_TYPE

DOORS = ("/api/", "/mcp")


class ProblemMiddleware:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        if allowance := getattr(request, "allowance", None):
            for name, value in allowance.headers().items():
                response[name] = value
        if not request.path_info.startswith(DOORS):
            return response
        is_json = response.get("Content-Type", "").startswith((CONTENT_TYPE, "application/json"))
        if response.status_code >= 400 and not is_json:
            response, is_json = from_status(response), True
        if is_json:
            response["Content-Language"] = "en"  # whatever the program would rather read
        return response
