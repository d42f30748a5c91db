"""Why an act was not done."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from converter.engine import Message, Problem


class JobError(Exception):
    """An act that is not possible: a message with its code and parameters.

    JobError
    ├── InvalidSubmission   what was sent makes no sense; `errors` says where
    │   └── OverQuota       it makes sense, but is more than this user may use
    ├── Conflict            not in this state
    └── Gone                it was there, and has expired
    """

    default_code: ClassVar[str]

    def __init__(self, code: str = "", /, *, errors: Sequence[Problem] = (), **params: Any) -> None:
        self.message = Message(code or self.default_code, params)
        self.errors = list(errors)
        super().__init__(self.message.text)

    @property
    def code(self) -> str:
        return self.message.code


class StillRunning(Exception):
    """Another worker holds the lease. Ask again later: it may have been killed."""


class InvalidSubmission(JobError):
    default_code = "invalid_submission"


class OverQuota(InvalidSubmission):
    default_code = "quota_exceeded"


class Conflict(JobError):
    default_code = "conflict"


class Gone(JobError):
    default_code = "expired"
