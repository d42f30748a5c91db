"""Why an act was not done."""

from __future__ import annotations

from collections.abc import Sequence


class JobError(Exception):
    """An act that is not possible.

    JobError
    ├── InvalidSubmission   what was sent makes no sense; `errors` says where
    │   └── OverQuota       it makes sense, but is more than this user may use
    ├── Conflict            not in this state
    └── Gone                it was there, and has expired
    """

    code = "refused"

    def __init__(self, message: str, *, code: str = "") -> None:
        super().__init__(message)
        self.code = code or self.code


class StillRunning(Exception):
    """Another worker holds the lease. Ask again later: it may have been killed."""


class InvalidSubmission(JobError):
    code = "invalid_submission"

    def __init__(self, message: str, *, code: str = "", errors: Sequence[dict[str, str]] = ()) -> None:
        super().__init__(message, code=code)
        self.errors = list(errors)


class OverQuota(InvalidSubmission):
    code = "quota_exceeded"


class Conflict(JobError):
    code = "conflict"


class Gone(JobError):
    code = "expired"
