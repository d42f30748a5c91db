"""Why an act was not done."""

from __future__ import annotations

from django.db import OperationalError

from converter.problems import CodedError
from converter.storage import NoRoom

FULL = "disk is full", "No space left on device"  # as SQLite says it, and PostgreSQL


class JobError(CodedError):
    """An act that is not possible.

    JobError
    ├── InvalidSubmission   what was sent makes no sense; `errors` says where
    │   └── OverQuota       it makes sense, but is more than this user may use
    ├── Conflict            not in this state
    ├── Gone                it was there, and has expired
    └── NotMade             a ZIP or preview could not be made
    """


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


class NotMade(JobError):
    default_code = "not_made"


def hindrance_of(exc: Exception) -> str:
    """Return the code of a passing fault of a store or the database: no_room or unavailable."""
    full_database = isinstance(exc, OperationalError) and any(words in str(exc) for words in FULL)
    return "no_room" if isinstance(exc, NoRoom) or full_database else "unavailable"
