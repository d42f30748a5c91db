"""Errors of actions on uploads, jobs and batches."""

from __future__ import annotations

from django.db import OperationalError

from converter.problems import CodedError
from converter.storage import NoRoom

HINDRANCES = ("no_room", "unavailable")
"""Codes of temporary faults that postpone a job."""

FULL = "disk is full", "No space left on device"  # the messages of SQLite and PostgreSQL


class JobError(CodedError):
    """An action that is not possible.

    JobError
    ├── InvalidSubmission   the submission is invalid; `errors` says where
    │   └── OverQuota       valid, but over this user's quota
    ├── Conflict            not possible in this state
    ├── Gone                the object has expired
    └── NotMade             a ZIP or preview could not be made
    """


class StillRunning(Exception):
    """Another worker holds the lease. Try again later: it may have been killed."""


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
    """Return the code of a temporary fault of the storage or database, one of HINDRANCES."""
    full_database = isinstance(exc, OperationalError) and any(words in str(exc) for words in FULL)
    return "no_room" if isinstance(exc, NoRoom) or full_database else "unavailable"
