"""Exceptions of the client."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


class ImagesiteError(Exception):
    """Base class of this package's exceptions. Network errors are raised as exceptions of httpx."""


class ApiError(ImagesiteError):
    """The server rejected a request. `code` is stable; `errors` have pointers into the request."""

    def __init__(self, status: int, problem: Mapping[str, Any]) -> None:
        self.status = status
        self.code = str(problem.get("code", ""))
        self.detail = str(problem.get("detail", "")) or f"The server returned status {status}."
        self.params: Mapping[str, Any] = problem.get("params", {})
        self.errors: Sequence[Mapping[str, Any]] = problem.get("errors", [])
        super().__init__(f"{self.detail} ({self.code or status})")


class ConversionError(ImagesiteError):
    """An image could not be converted. `code` is stable, `job` is the id of the failed job."""

    def __init__(self, job: str, code: str, message: str, params: Mapping[str, Any]) -> None:
        self.job, self.code, self.params = job, code, params
        super().__init__(f"{message} ({code})")


class InvalidWebhook(ImagesiteError):
    """The message was not sent by the server, or is too old."""
