"""Refuse unknown query parameters: ignoring a misspelt `status` would silently list everything."""

from __future__ import annotations

from collections.abc import Callable
from difflib import get_close_matches
from functools import wraps
from typing import Any

from django.core.exceptions import TooManyFieldsSent
from django.http import HttpRequest, HttpResponseBase
from ninja.operation import Operation

from converter import engine
from converter.api import errors
from converter.api.problems import invalid_parameters

MOST_SHOWN = 100  # characters of a name

Run = Callable[..., HttpResponseBase]


def known_only(run: Run) -> Run:
    """Decorate an operation's `run`, which ninja calls after finding the operation."""
    operation: Operation = run.__self__  # type: ignore[attr-defined]
    known = [
        name
        for model in operation.models
        if model.__ninja_param_source__ == "query"
        for name in model.__ninja_flatten_map__
    ]

    @wraps(run)
    def checked(request: HttpRequest, **kwargs: Any) -> HttpResponseBase:
        try:
            given = list(request.GET)
        except TooManyFieldsSent as exc:
            return operation._run_checks(request) or errors.answer(request, exc)
        unknown = {name: _unknown(name[:MOST_SHOWN], known) for name in given if name not in known}
        if not unknown:
            return run(request, **kwargs)
        # A stranger learns only that a token is missing.
        return operation._run_checks(request) or invalid_parameters(unknown).response()

    return checked


def _unknown(name: str, known: list[str]) -> engine.Message:
    if similar := get_close_matches(name, known, n=1):
        return engine.Message("parameter_unknown", {"kind": "similar", "name": name, "similar": similar[0]})
    return engine.Message("parameter_unknown", {"name": name})
