"""Convert exceptions of django-ninja and of the rest of the program to problem responses."""

from __future__ import annotations

import logging
from collections.abc import Callable

from django.conf import settings
from django.core.exceptions import (
    BadRequest,
    RequestDataTooBig,
    SuspiciousOperation,
    TooManyFieldsSent,
    TooManyFilesSent,
)
from django.core.signals import got_request_exception
from django.db import OperationalError
from django.http import Http404, HttpRequest, HttpResponse, UnreadablePostError
from django.http.multipartparser import MultiPartParserError
from ninja import NinjaAPI
from ninja.errors import HttpError, ValidationError

from converter import jobs, problems
from converter.api.problems import FOR_STATUS, Problem
from converter.api.schemas import TAG
from converter.engine import Message
from converter.storage import StorageFault

logger = logging.getLogger(__name__)

RETRY_SECONDS = {jobs.OverQuota: 3600, jobs.NotMade: 60}


def _problem(request: HttpRequest, exc: Problem) -> HttpResponse:
    return exc.response()


def _refusal(request: HttpRequest, exc: problems.CodedError) -> HttpResponse:
    headers = {}
    for kind, seconds in RETRY_SECONDS.items():
        if isinstance(exc, kind) and not problems.seconds_named(exc.message):
            headers["Retry-After"] = str(seconds)
    return problems.answer(exc.message, errors=[error.to_dict() for error in exc.errors], headers=headers)


def _invalid(request: HttpRequest, exc: ValidationError) -> HttpResponse:
    wrong = [_wrong(_where(error["loc"]), error["msg"]) for error in exc.errors]
    errors = [
        {**place, "code": message.code, "params": message.plain_params, "detail": message.text}
        for place, message in wrong
    ]
    messages = [message for _, message in wrong]
    return Problem("invalid_request", errors=errors, kind="problems", problems=messages).response()


def _wrong(place: dict[str, str], reason: str) -> tuple[dict[str, str], Message]:
    named = next(iter(place.values())) or "The body"
    return place, Message("invalid_value", {"place": named, "reason": reason})


def _where(location: tuple[str | int, ...]) -> dict[str, str]:
    source, name, *rest = location
    match source:
        case "body":  # `name` is the name of the function's argument
            return {"pointer": "".join(f"/{part}" for part in rest if not str(part).startswith(TAG))}
        case "form" | "file":
            return {"pointer": f"/{name}"}
        case _:
            named = [part for part in location if isinstance(part, str)]  # a number is a list index
            return {"parameter": named[-1]}


def _http_error(request: HttpRequest, exc: HttpError) -> HttpResponse:
    if isinstance(exc.__cause__, Problem):  # ninja wraps exceptions of the parser
        return exc.__cause__.response()
    if exc.status_code == 400:
        return Problem("malformed_json").response()
    if exc.status_code == 401:
        return Problem("unauthenticated", headers={"WWW-Authenticate": "Bearer"}).response()
    code = "csrf_failed" if exc.status_code == 403 else FOR_STATUS[exc.status_code]
    return Problem(code).response()


def _missing(request: HttpRequest, exc: Http404) -> HttpResponse:
    return Problem("not_found").response()


def _too_big(request: HttpRequest, exc: RequestDataTooBig) -> HttpResponse:
    return Problem("body_too_large").response()


def _too_many_fields(request: HttpRequest, exc: TooManyFieldsSent) -> HttpResponse:
    return Problem("bad_request", kind="fields", most=settings.DATA_UPLOAD_MAX_NUMBER_FIELDS).response()


def _too_many_files(request: HttpRequest, exc: TooManyFilesSent) -> HttpResponse:
    return Problem("bad_request", kind="files", most=settings.DATA_UPLOAD_MAX_NUMBER_FILES).response()


def _garbled(request: HttpRequest, exc: Exception) -> HttpResponse:
    return Problem("bad_request", kind="form", reason=str(exc)).response()


def _passing(request: HttpRequest, exc: Exception) -> HttpResponse:
    logger.error("The storage or the database did not respond", exc_info=exc)
    code = jobs.hindrance_of(exc)
    return Problem(code, headers={"Retry-After": "5"} if code == "unavailable" else {}).response()


def _mistake(request: HttpRequest, exc: Exception) -> HttpResponse:
    logger.error("Unhandled error in an API request", exc_info=exc, extra={"path": request.path})
    got_request_exception.send(sender=None, request=request)
    return Problem("internal_error").response()


HANDLERS: dict[type[Exception], Callable[..., HttpResponse]] = {
    Problem: _problem,
    problems.CodedError: _refusal,
    ValidationError: _invalid,
    HttpError: _http_error,
    Http404: _missing,
    RequestDataTooBig: _too_big,
    TooManyFieldsSent: _too_many_fields,
    TooManyFilesSent: _too_many_files,
    MultiPartParserError: _garbled,
    BadRequest: _garbled,
    SuspiciousOperation: _garbled,
    UnreadablePostError: _garbled,
    StorageFault: _passing,
    OperationalError: _passing,
    Exception: _mistake,
}


def answer(request: HttpRequest, exc: Exception) -> HttpResponse:
    """Return the problem response for an exception raised outside ninja's endpoints."""
    return next(HANDLERS[kind] for kind in type(exc).__mro__ if kind in HANDLERS)(request, exc)


def install(api: NinjaAPI) -> None:
    for kind, handler in HANDLERS.items():
        api.add_exception_handler(kind, handler)
