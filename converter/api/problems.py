"""Errors of the API. Every problem has a stable code."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.http import HttpResponseBase, JsonResponse

from converter import engine, problems

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


class Problem(Exception):
    """A rejected request: a message (code and parameters). `errors` have the structure of ProblemDetail."""

    def __init__(
        self,
        code: str,
        /,
        *,
        errors: Sequence[Mapping[str, Any]] = (),
        headers: Mapping[str, str] | None = None,
        **params: Any,
    ) -> None:
        self.message = engine.Message(code, params)
        super().__init__(self.message.text)
        self.errors = list(errors)
        self.headers = dict(headers or {})

    def response(self) -> JsonResponse:
        return problems.answer(self.message, errors=self.errors, headers=self.headers)


def invalid_request(*wrong: engine.Problem) -> Problem:
    """Return a problem that lists the errors in the body with their pointers."""
    return Problem(
        "invalid_request",
        errors=[problem.to_dict() for problem in wrong],
        kind="problems",
        problems=[problem.message for problem in wrong],
    )


def invalid_parameters(wrong: Mapping[str, engine.Message]) -> Problem:
    """Return a problem that lists the errors in the query, by parameter."""
    errors = [
        {"parameter": name, "code": message.code, "params": message.plain_params, "detail": message.text}
        for name, message in wrong.items()
    ]
    return Problem("invalid_request", errors=errors, kind="problems", problems=list(wrong.values()))


def from_status(response: HttpResponseBase) -> HttpResponseBase:
    """Return the problem response that replaces an error page, with the same headers.

    A response whose status has no problem code is returned unchanged.
    """
    status = response.status_code
    code = FOR_STATUS.get(status, "internal_error" if status >= 500 else "")
    if not code:
        return response
    kept = {name: value for name, value in response.items() if name not in ("Content-Type", "Content-Length")}
    return problems.answer(engine.Message(code), headers=kept)
