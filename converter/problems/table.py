"""The table of all error codes."""

from __future__ import annotations

from collections.abc import Mapping

from .conversions import CONVERSIONS
from .info import ErrorInfo
from .requests import REQUESTS

ERRORS: Mapping[str, ErrorInfo] = {**CONVERSIONS, **REQUESTS}
