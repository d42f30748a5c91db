"""Errors of Cognito and their messages.

    CognitoError        Cognito refused the input: a code with parameters
    SessionExpired      the access token is no longer accepted: the session was ended elsewhere
    SignUpClosed        only administrators may create users in this user pool
    InvalidToken        not a valid token of this user pool for this site
    CognitoUnavailable  Cognito did not respond as expected; a retry may help

Errors hold codes; `text` renders their messages in the active language.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import MappingProxyType
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from django.utils.translation import gettext_noop

from converter.engine import Message, register
from converter.translation import translated as in_language

TEMPLATES: Mapping[str, str] = MappingProxyType(
    {
        "wrong_credentials": gettext_noop(
            "Wrong e-mail address or password. Passwords are case-sensitive. "
            "After several attempts, wait {minutes} minutes."
        ),
        "wrong_password": gettext_noop("Your current password is wrong."),
        "wrong_code": gettext_noop("This code is wrong or has expired. Check it or request a new one."),
        "wrong_shown_code": gettext_noop(
            "This code is wrong. Enter the code your authenticator app shows now."
        ),
        "weak_password": gettext_noop(
            "Choose a stronger password: at least {min_length} characters, "
            "with upper-case and lower-case letters and digits."
        ),
        "too_many_attempts": gettext_noop("Too many attempts. Wait {minutes} minutes, then try again."),
        "not_confirmed": gettext_noop(
            "Your e-mail address is not confirmed yet. Enter the code we e-mailed you."
        ),
        "reset_required": gettext_noop("You need a new password. Reset it to continue."),
        "session_expired": gettext_noop("Your session has expired. Log in again."),
        "unsupported": gettext_noop("Your account uses a login method that this site does not support."),
        "account_closed": gettext_noop("This account is closed. Contact the site's operator."),
    }
)

MIN_PASSWORD_LENGTH = 12  # as in infra/identity.tf
LOCKOUT_MINUTES = 15  # the longest that Cognito locks an account after wrong passwords

PARAMS: Mapping[str, Mapping[str, Any]] = MappingProxyType(
    {
        "wrong_credentials": {"minutes": LOCKOUT_MINUTES},
        "weak_password": {"min_length": MIN_PASSWORD_LENGTH},
        "too_many_attempts": {"minutes": LOCKOUT_MINUTES},
    }
)


register(TEMPLATES)


class CognitoError(Exception):
    """Cognito refused the input: `code` is a key of TEMPLATES, `params` fill its template."""

    def __init__(self, code: str, params: Mapping[str, Any] | None = None) -> None:
        self.message = message(code, params)
        super().__init__(self.message.text)

    @property
    def code(self) -> str:
        return self.message.code

    @property
    def params(self) -> Mapping[str, Any]:
        return self.message.params


class SessionExpired(Exception):
    pass


class SignUpClosed(Exception):
    pass


class InvalidToken(Exception):
    pass


class CognitoUnavailable(Exception):
    pass


GUESSES = ("wrong_credentials", "wrong_password", "wrong_code", "wrong_shown_code", "too_many_attempts")


def is_wrong_guess(exc: Exception) -> bool:
    """Return whether the error means a wrong password or code."""
    return isinstance(exc, CognitoError) and exc.code in GUESSES


def message(code: str, params: Mapping[str, Any] | None = None) -> Message:
    """Return the message for `code`, by default with its parameters in PARAMS."""
    return Message(code, PARAMS.get(code, {}) if params is None else params)


def text(code: str, params: Mapping[str, Any] | None = None) -> str:
    """Return the message for `code` in the active language. Raises KeyError for an unknown code."""
    return in_language(message(code, params))


WRONG_CODES = ("CodeMismatchException", "EnableSoftwareTokenMFAException", "ExpiredCodeException")
CODES = {
    "InvalidPasswordException": "weak_password",
    "PasswordHistoryPolicyViolationException": "weak_password",
    "LimitExceededException": "too_many_attempts",
    "TooManyFailedAttemptsException": "too_many_attempts",
    "TooManyRequestsException": "too_many_attempts",
    "UserNotConfirmedException": "not_confirmed",
    "PasswordResetRequiredException": "reset_required",
    "UserNotFoundException": "wrong_credentials",
}


@contextmanager
def translated(not_authorized: str = "wrong_credentials", wrong_code: str = "wrong_code") -> Iterator[None]:
    """Turn botocore's errors into CognitoError or CognitoUnavailable.

    `not_authorized` and `wrong_code` are the codes for errors whose meaning depends on the call.
    """
    try:
        yield
    except ClientError as exc:
        error = exc.response["Error"]
        code = wrong_code if error["Code"] in WRONG_CODES else CODES.get(error["Code"])
        if error["Code"] == "NotAuthorizedException":
            code = "too_many_attempts" if "attempts exceeded" in error["Message"] else not_authorized
        elif error["Code"] == "InvalidParameterException" and "password" in error["Message"].lower():
            code = "weak_password"
        if code is None:
            raise CognitoUnavailable(f"Cognito rejected the request: {error['Code']}.") from exc
        raise CognitoError(code) from exc
    except BotoCoreError as exc:
        raise CognitoUnavailable(f"Cognito did not respond: {type(exc).__name__}.") from exc


# Cognito hides which addresses have an account, but not everywhere: these errors depend on it, for example
# because only attempts for existing accounts are counted.
REVEALING = (
    "LimitExceededException",
    "NotAuthorizedException",
    "TooManyFailedAttemptsException",
    "UserNotFoundException",
)


@contextmanager
def not_revealing_accounts(code: str, *more: str) -> Iterator[None]:
    """Raise CognitoError(code) for every response that reveals whether an address has an account.

    `more` are errors of Cognito that do so for this call only.
    """
    try:
        yield
    except ClientError as exc:
        if exc.response["Error"]["Code"] in (*REVEALING, *more):
            raise CognitoError(code) from exc
        raise


@contextmanager
def needing_session(phrase: str = "") -> Iterator[None]:
    """Raise SessionExpired if Cognito does not accept the access token.

    NotAuthorizedException can have other meanings; only one whose message contains `phrase` counts.
    """
    try:
        yield
    except ClientError as exc:
        error = exc.response["Error"]
        if error["Code"] == "NotAuthorizedException" and phrase in error["Message"]:
            raise SessionExpired from exc
        raise
