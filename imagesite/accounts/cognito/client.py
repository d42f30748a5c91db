"""Calls to the user pool: sign-up, login, second factor, passwords, and administration.

The only module that uses warrant and cognito-idp. warrant implements SRP (no password leaves this process)
and the simple calls. Its own login is not used: it supports no second factor, and formats the signed
timestamp in the server's locale.

Every function raises CognitoUnavailable if Cognito does not respond as expected, and CognitoError with the
code `too_many_attempts` if it throttles; each function names its other codes.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import logging
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config
from django.conf import settings

from imagesite.accounts.cognito import region
from imagesite.accounts.cognito.errors import (
    CognitoError,
    CognitoUnavailable,
    SignUpClosed,
    needing_session,
    not_revealing_accounts,
    translated,
)

if TYPE_CHECKING:
    from mypy_boto3_cognito_idp import CognitoIdentityProviderClient
    from warrant import Cognito
    from warrant.aws_srp import AWSSRP

# warrant is imported in functions: with jose it takes a fifth of a cold start, and few requests need it.

logger = logging.getLogger(__name__)

DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


@dataclass(frozen=True)
class Tokens:
    id: str
    access: str
    refresh: str


@dataclass(frozen=True)
class Challenge:
    """A step before Cognito issues tokens: NEW_PASSWORD_REQUIRED, SOFTWARE_TOKEN_MFA or MFA_SETUP."""

    name: str
    session: str
    username: str


KNOWN_CHALLENGES = ("NEW_PASSWORD_REQUIRED", "SOFTWARE_TOKEN_MFA", "MFA_SETUP")


# --- Sign-up ------------------------------------------------------------------------------------------------


def sign_up(email: str, password: str) -> None:
    """Request an account; Cognito e-mails a code. Succeeds for a taken address too, to hide that it is taken.

    CognitoError: weak_password. Raises SignUpClosed if only administrators may create users in the pool.
    """
    with translated():
        user = _user(email)
        user.add_base_attributes(email=email)
        try:
            user.register(email, password)
        except _client().exceptions.NotAuthorizedException as exc:
            # Other refusals have the same type; only the text in the log tells them apart.
            logger.warning("Cognito refused a sign-up", extra={"reason": str(exc)})
            raise SignUpClosed from exc
        except _client().exceptions.UsernameExistsException:
            logger.info("Sign-up for an address that has an account")


def confirm_sign_up(email: str, code: str) -> None:
    """Confirm the address with the e-mailed code. CognitoError: wrong_code."""
    with translated(), not_revealing_accounts("wrong_code"):
        _user(email).confirm_sign_up(code)


def resend_code(email: str) -> None:
    """E-mail the sign-up code again. Succeeds silently if no code is due."""
    with translated():
        try:
            _client().resend_confirmation_code(ClientId=settings.COGNITO_CLIENT_ID, Username=email)
        except (
            _client().exceptions.InvalidParameterException,  # already confirmed
            _client().exceptions.LimitExceededException,
            _client().exceptions.UserNotFoundException,
        ):
            logger.info("No sign-up code was sent")


# --- Login --------------------------------------------------------------------------------------------------


def log_in(email: str, password: str) -> Tokens | Challenge:
    """Log in with SRP. CognitoError: wrong_credentials, not_confirmed, reset_required, unsupported."""
    from warrant.aws_srp import AWSSRP

    with translated(), not_revealing_accounts("wrong_credentials"):
        srp = AWSSRP(
            email, password, settings.COGNITO_USER_POOL_ID, settings.COGNITO_CLIENT_ID, client=_client()
        )
        response = _client().initiate_auth(
            AuthFlow="USER_SRP_AUTH",
            AuthParameters=srp.get_auth_params(),
            ClientId=settings.COGNITO_CLIENT_ID,
        )
        if response.get("ChallengeName") != "PASSWORD_VERIFIER":
            raise CognitoError("unsupported")
        parameters = response["ChallengeParameters"]
        response = _client().respond_to_auth_challenge(
            ClientId=settings.COGNITO_CLIENT_ID,
            ChallengeName="PASSWORD_VERIFIER",
            ChallengeResponses=_proof(srp, parameters, datetime.now(UTC)),
        )
        return _tokens_or_challenge(response, parameters["USERNAME"])


def _proof(srp: AWSSRP, parameters: dict[str, str], now: datetime) -> dict[str, str]:
    """Return the challenge responses with the signature that proves knowledge of the password."""
    server = int(parameters["SRP_B"], 16)
    if server % srp.big_n == 0:
        raise CognitoUnavailable("SRP_B is a multiple of N, which would reveal the password.")
    user = parameters["USER_ID_FOR_SRP"]
    key = srp.get_password_authentication_key(user, srp.password, server, parameters["SALT"])
    # Cognito expects English names and a day without a leading zero, whatever the server's locale.
    stamp = f"{DAYS[now.weekday()]} {MONTHS[now.month - 1]} {now.day} {now:%H:%M:%S} UTC {now.year}"
    block = base64.standard_b64decode(parameters["SECRET_BLOCK"])
    pool = settings.COGNITO_USER_POOL_ID.partition("_")[2]
    signature = hmac.digest(key, pool.encode() + user.encode() + block + stamp.encode(), hashlib.sha256)
    return {
        "TIMESTAMP": stamp,
        "USERNAME": parameters["USERNAME"],
        "PASSWORD_CLAIM_SECRET_BLOCK": parameters["SECRET_BLOCK"],
        "PASSWORD_CLAIM_SIGNATURE": base64.standard_b64encode(signature).decode(),
    }


def answer_new_password(challenge: Challenge, password: str) -> Tokens | Challenge:
    """Replace the temporary password. CognitoError: weak_password, session_expired, unsupported."""
    return _respond(challenge, NEW_PASSWORD=password)


def answer_totp(challenge: Challenge, code: str) -> Tokens | Challenge:
    """Answer with the authenticator's code. CognitoError: wrong_shown_code, session_expired, unsupported."""
    return _respond(challenge, SOFTWARE_TOKEN_MFA_CODE=code)


def begin_mfa_setup(challenge: Challenge) -> tuple[str, Challenge]:
    """Return the authenticator's secret (base32) and the next challenge. CognitoError: session_expired."""
    with translated("session_expired"):
        response = _client().associate_software_token(Session=challenge.session)
        return response["SecretCode"], Challenge(challenge.name, response["Session"], challenge.username)


def answer_mfa_setup(challenge: Challenge, code: str) -> Tokens | Challenge:
    """Finish the setup with the first code. CognitoError: wrong_shown_code, session_expired, unsupported."""
    with translated("session_expired", wrong_code="wrong_shown_code"):
        response = _client().verify_software_token(Session=challenge.session, UserCode=code)
    return _respond(Challenge(challenge.name, response["Session"], challenge.username))


def _respond(challenge: Challenge, **responses: str) -> Tokens | Challenge:
    with translated("session_expired", wrong_code="wrong_shown_code"):
        response = _client().respond_to_auth_challenge(
            ClientId=settings.COGNITO_CLIENT_ID,
            ChallengeName=challenge.name,  # type: ignore[arg-type]
            Session=challenge.session,
            ChallengeResponses={"USERNAME": challenge.username, **responses},
        )
        return _tokens_or_challenge(response, challenge.username)


def _tokens_or_challenge(response: Any, username: str) -> Tokens | Challenge:
    if result := response.get("AuthenticationResult"):
        return Tokens(result["IdToken"], result["AccessToken"], result["RefreshToken"])
    if response.get("ChallengeName") not in KNOWN_CHALLENGES:
        raise CognitoError("unsupported")
    return Challenge(response["ChallengeName"], response["Session"], username)


# --- Logged-in users ----------------------------------------------------------------------------------------
# Functions that take an access token raise SessionExpired if Cognito no longer accepts it.


def refresh(refresh_token: str) -> tuple[str, str]:
    """Return a new id token and access token.

    CognitoError: session_expired if the user was disabled, deleted or logged out everywhere.
    """
    with translated("session_expired"):
        result = _client().initiate_auth(
            AuthFlow="REFRESH_TOKEN_AUTH",
            AuthParameters={"REFRESH_TOKEN": refresh_token},
            ClientId=settings.COGNITO_CLIENT_ID,
        )["AuthenticationResult"]
        return result["IdToken"], result["AccessToken"]


def log_out(refresh_token: str) -> None:
    """Revoke this session's refresh token. CognitoError: session_expired."""
    with translated("session_expired"):
        _client().revoke_token(Token=refresh_token, ClientId=settings.COGNITO_CLIENT_ID)


def log_out_everywhere(access: str) -> None:
    """Revoke all refresh tokens of the user."""
    with translated(), needing_session():
        _user(access=access).logout()


def change_password(access: str, old: str, new: str) -> None:
    """Change the password. CognitoError: wrong_password, weak_password."""
    with translated("wrong_password"), needing_session("Access Token"):
        _client().change_password(AccessToken=access, PreviousPassword=old, ProposedPassword=new)


def delete_account(access: str) -> None:
    """Delete the user from the user pool. The address may sign up again."""
    with translated(), needing_session():
        _user(access=access).delete_user()


def email_of(access: str) -> str:
    """Return the user's e-mail address. CognitoError: session_expired."""
    with translated("session_expired"):
        attributes = _client().get_user(AccessToken=access)["UserAttributes"]
        return next(attribute["Value"] for attribute in attributes if attribute["Name"] == "email")


def has_totp(access: str) -> bool:
    """Return whether login requires an authenticator's code."""
    with translated(), needing_session():
        return "SOFTWARE_TOKEN_MFA" in _client().get_user(AccessToken=access).get("UserMFASettingList", [])


def begin_totp(access: str) -> str:
    """Return a secret (base32) for the user's authenticator."""
    with translated(), needing_session():
        return _client().associate_software_token(AccessToken=access)["SecretCode"]


def enable_totp(access: str, code: str) -> None:
    """Require a code at every login from now on. CognitoError: wrong_shown_code."""
    with translated(wrong_code="wrong_shown_code"), needing_session():
        _client().verify_software_token(AccessToken=access, UserCode=code)
        _client().set_user_mfa_preference(
            AccessToken=access, SoftwareTokenMfaSettings={"Enabled": True, "PreferredMfa": True}
        )


def disable_totp(access: str) -> None:
    """Stop requiring a code at login."""
    with translated(), needing_session():
        _client().set_user_mfa_preference(
            AccessToken=access, SoftwareTokenMfaSettings={"Enabled": False, "PreferredMfa": False}
        )


# --- Forgotten password -------------------------------------------------------------------------------------


def request_password_reset(email: str) -> None:
    """E-mail a code if the address has an account. Succeeds silently if it has none."""
    with translated():
        try:
            _user(email).initiate_forgot_password()
        except (
            _client().exceptions.UserNotFoundException,
            _client().exceptions.InvalidParameterException,  # not confirmed
            _client().exceptions.LimitExceededException,
            _client().exceptions.NotAuthorizedException,  # disabled
        ):
            logger.info("No password reset code was sent")


def reset_password(email: str, code: str, password: str) -> None:
    """Set a new password with the e-mailed code, and end all sessions.

    CognitoError: wrong_code, weak_password.
    """
    with translated():
        with not_revealing_accounts("wrong_code", "UserNotConfirmedException"):
            _user(email).confirm_forgot_password(code, password)
        _client().admin_user_global_sign_out(UserPoolId=settings.COGNITO_USER_POOL_ID, Username=email)


# --- Administration -----------------------------------------------------------------------------------------


def is_enabled(sub: str) -> bool:
    """Return whether the user exists in the user pool and is not disabled."""
    with translated():
        try:
            return _client().admin_get_user(UserPoolId=settings.COGNITO_USER_POOL_ID, Username=sub)["Enabled"]
        except _client().exceptions.UserNotFoundException:
            return False


def remove_totp(sub: str) -> None:
    """Let a user who has lost the authenticator log in with the password alone.

    CognitoError: wrong_credentials if there is no such user.
    """
    with translated():
        _client().admin_set_user_mfa_preference(
            UserPoolId=settings.COGNITO_USER_POOL_ID,
            Username=sub,
            SoftwareTokenMfaSettings={"Enabled": False, "PreferredMfa": False},
        )


def delete_user(sub: str) -> None:
    """Delete a user from the user pool, if they exist."""
    with translated():
        try:
            _client().admin_delete_user(UserPoolId=settings.COGNITO_USER_POOL_ID, Username=sub)
        except _client().exceptions.UserNotFoundException:
            logger.info("The user to delete is not in the user pool")


# --- Clients ------------------------------------------------------------------------------------------------


@cache
def _client() -> CognitoIdentityProviderClient:
    return boto3.client(
        "cognito-idp",
        region_name=region(),
        config=Config(
            retries={"mode": "standard", "total_max_attempts": 3}, connect_timeout=3, read_timeout=8
        ),
    )


def _user(username: str = "", access: str | None = None) -> Cognito:
    """Return a warrant user with our client: warrant would create one each time, without timeouts."""
    from warrant import Cognito

    user = Cognito.__new__(Cognito)
    user.user_pool_id, user.client_id = settings.COGNITO_USER_POOL_ID, settings.COGNITO_CLIENT_ID
    user.client, user.client_secret = _client(), None
    user.username, user.access_token = username, access
    user.custom_attributes = user.base_attributes = None
    return user
