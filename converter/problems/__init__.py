"""All error codes of the site, explained to users and returned by the API as problem details (RFC 9457)."""

from __future__ import annotations

from converter.engine.messages import register

from .answers import CONTENT_TYPE, answer, seconds_named, title
from .errors import CodedError
from .info import ErrorInfo
from .passing import PASSING
from .table import ERRORS
from .templates import TEMPLATES

register(TEMPLATES)

__all__ = [
    "CONTENT_TYPE",
    "ERRORS",
    "PASSING",
    "TEMPLATES",
    "CodedError",
    "ErrorInfo",
    "answer",
    "seconds_named",
    "title",
]
