"""The errors of the API. Every problem has a stable code."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.http import HttpResponseBase, JsonResponse

from converter import problems

# The codes that the API itself gives, with their status. Refusals of `jobs` and of the engine bring a code of their own;
# their status follows from what kind of refusal they are.
STATUSES: Mapping[str, int] = {
    "bad_request": 400,
    "malformed_json": 400,
    "unauthenticated": 401,
    "invalid_token": 401,
    "forbidden": 403,
    "csrf_failed": 403,
    "read_only_token": 403,
    "not_found": 404,
    "method_not_allowed": 405,
    "conflict": 409,
    "name_taken": 409,
    "not_looked_into": 409,
    "in_progress": 409,
    "expired": 410,
    "body_too_large": 413,
    "unsupported_media_type": 415,
    "invalid_request": 422,
    "invalid_recipe": 422,
    "invalid_submission": 422,
    "not_in_time": 422,
    "key_reused": 422,
    "quota_exceeded": 429,
    "too_many_requests": 429,
    "internal_error": 500,
    "unavailable": 503,
}

FOR_STATUS = {
    400: "bad_request",
    401: "unauthenticated",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    409: "conflict",
    410: "expired",
    413: "body_too_large",
    415: "unsupported_media_type",
    422: "invalid_request",
    429: "too_many_requests",
    503: "unavailable",
}

DETAILS = {
    "bad_request": "Check the address, the headers and the body.",
    "csrf_failed": "Send the page's CSRF token in the X-CSRFToken header, or use a bearer token.",
    "forbidden": "You don't have permission to do this.",
    "not_found": "Nothing exists at this address, or it isn't yours.",
    "method_not_allowed": "See the Allow header for the methods this address accepts.",
    "body_too_large": "The request body is too large. Upload images with an upload form.",
    "internal_error": "Something went wrong on our side and was logged. Try again.",
    "unavailable": "Part of the site is not responding. Try again in a moment.",
}


class Problem(Exception):
    """A request that is refused with one of the codes of STATUSES."""

    def __init__(
        self,
        code: str,
        detail: str,
        *,
        errors: Sequence[Mapping[str, Any]] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail
        self.errors = errors
        self.headers = dict(headers or {})

    def response(self) -> JsonResponse:
        return problems.answer(
            self.code, STATUSES[self.code], self.detail, errors=self.errors, headers=self.headers
        )


def from_status(response: HttpResponseBase) -> JsonResponse:
    """Return the problem that says what an error page says, with that page's headers."""
    status = response.status_code
    code = FOR_STATUS.get(status, "internal_error" if status >= 500 else "bad_request")
    kept = {name: value for name, value in response.items() if name not in ("Content-Type", "Content-Length")}
    return problems.answer(code, status, DETAILS.get(code, f"{problems.title(code)}."), headers=kept)
