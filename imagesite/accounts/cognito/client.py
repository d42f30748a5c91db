"""The user pool: signing up, logging in, second factors, and whether a token is what it says.

The only place that knows warrant and cognito-idp. Of warrant the mathematics of SRP (no password leaves this process)
and the plain calls are used; its login knows no second factor and signs with the local clock's words, and its
`verify_token` takes audience and issuer from the token itself, so those are written here.

    PoolError
    ├── Refusal       what was entered is not right; `code` and a sentence for the person
    ├── InvalidToken  a token that is not one of this pool for this site
    └── PoolFault     the pool did not answer; trying again may help
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Any, Literal

import boto3
import urllib3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from django.conf import settings
from django.utils.translation import gettext as _

if TYPE_CHECKING:
    from mypy_boto3_cognito_idp import CognitoIdentityProviderClient
    from warrant import Cognito
    from warrant.aws_srp import AWSSRP

# warrant and jose are imported where they are used: they take a fifth of a cold start, and few requests need them.

logger = logging.getLogger(__name__)

Claims = dict[str, Any]

KEYS_KEPT = 3600  # seconds
KEYS_ASKED_EVERY = 60  # seconds; more often nobody can make us ask with invented key ids
DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


class PoolError(Exception):
    pass


class Refusal(PoolError):
    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class SessionOver(PoolError):
    """The access token is taken no more: the session was ended elsewhere."""


class InvalidToken(PoolError):
    pass


class PoolFault(PoolError):
    pass


@dataclass(frozen=True)
class Tokens:
    id: str
    access: str
    refresh: str


@dataclass(frozen=True)
class Challenge:
    """What the pool asks for before it hands out tokens: NEW_PASSWORD_REQUIRED, SOFTWARE_TOKEN_MFA or MFA_SETUP."""

    name: str
    session: str
    username: str


KNOWN_CHALLENGES = ("NEW_PASSWORD_REQUIRED", "SOFTWARE_TOKEN_MFA", "MFA_SETUP")


# --- Sign up ------------------------------------------------------------------------------------------------


def sign_up(email: str, password: str) -> None:
    """Ask for an account; a code is mailed. Of an address that has one nothing is said, to anybody."""
    with _refusals():
        pool = _pool(email)
        pool.add_base_attributes(email=email)
        try:
            pool.register(email, password)
        except _client().exceptions.UsernameExistsException:
            logger.info("Sign-up for an address that has an account")


def confirm(email: str, code: str) -> None:
    with _refusals(), _alike("wrong_code"):
        _pool(email).confirm_sign_up(code)


def resend(email: str) -> None:
    """Mail the code again, if somebody waits for one."""
    with _refusals():
        try:
            _client().resend_confirmation_code(ClientId=settings.COGNITO_CLIENT_ID, Username=email)
        except (
            _client().exceptions.InvalidParameterException,
            _client().exceptions.LimitExceededException,
            _client().exceptions.UserNotFoundException,
        ):
            logger.info("No code to send again")  # confirmed before, too often or nobody: the same answer


# --- Log in -------------------------------------------------------------------------------------------------


def log_in(email: str, password: str) -> Tokens | Challenge:
    """Prove the password by SRP."""
    from warrant.aws_srp import AWSSRP

    with _refusals(), _alike("wrong_credentials"):
        srp = AWSSRP(
            email, password, settings.COGNITO_USER_POOL_ID, settings.COGNITO_CLIENT_ID, client=_client()
        )
        asked = _client().initiate_auth(
            AuthFlow="USER_SRP_AUTH",
            AuthParameters=srp.get_auth_params(),
            ClientId=settings.COGNITO_CLIENT_ID,
        )
        if asked.get("ChallengeName") != "PASSWORD_VERIFIER":
            raise _refusal("unsupported")
        parameters = asked["ChallengeParameters"]
        answered = _client().respond_to_auth_challenge(
            ClientId=settings.COGNITO_CLIENT_ID,
            ChallengeName="PASSWORD_VERIFIER",
            ChallengeResponses=_proof(srp, parameters, datetime.now(UTC)),
        )
        return _answer(answered, parameters["USERNAME"])


def _proof(srp: AWSSRP, parameters: dict[str, str], now: datetime) -> dict[str, str]:
    """Return the signature that only somebody who knows the password can make."""
    server = int(parameters["SRP_B"], 16)
    if server % srp.big_n == 0:
        raise PoolFault("The pool sent a value that gives the password away.")
    user = parameters["USER_ID_FOR_SRP"]
    key = srp.get_password_authentication_key(user, srp.password, server, parameters["SALT"])
    # The pool reads English names and a day without a leading zero, whatever the locale here.
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
    return _respond(challenge, NEW_PASSWORD=password)


def answer_code(challenge: Challenge, code: str) -> Tokens | Challenge:
    return _respond(challenge, SOFTWARE_TOKEN_MFA_CODE=code)


def begin_setup(challenge: Challenge) -> tuple[str, Challenge]:
    """Return the secret for the person's authenticator, for somebody who must have one to log in at all."""
    with _refusals("session_expired"):
        begun = _client().associate_software_token(Session=challenge.session)
        return begun["SecretCode"], Challenge(challenge.name, begun["Session"], challenge.username)


def answer_setup(challenge: Challenge, code: str) -> Tokens | Challenge:
    with _refusals("session_expired", wrong_code="wrong_shown_code"):
        verified = _client().verify_software_token(Session=challenge.session, UserCode=code)
    return _respond(Challenge(challenge.name, verified["Session"], challenge.username))


def _respond(challenge: Challenge, **responses: str) -> Tokens | Challenge:
    with _refusals("session_expired", wrong_code="wrong_shown_code"):
        answered = _client().respond_to_auth_challenge(
            ClientId=settings.COGNITO_CLIENT_ID,
            ChallengeName=challenge.name,  # type: ignore[arg-type]
            Session=challenge.session,
            ChallengeResponses={"USERNAME": challenge.username, **responses},
        )
        return _answer(answered, challenge.username)


def _answer(answered: Any, username: str) -> Tokens | Challenge:
    if result := answered.get("AuthenticationResult"):
        return Tokens(result["IdToken"], result["AccessToken"], result["RefreshToken"])
    if answered.get("ChallengeName") not in KNOWN_CHALLENGES:
        raise _refusal("unsupported")
    return Challenge(answered["ChallengeName"], answered["Session"], username)


# --- Once logged in -----------------------------------------------------------------------------------------


def refresh(token: str) -> tuple[str, str]:
    """Return a new id and access token; Refusal when the person was disabled, deleted or logged out everywhere."""
    with _refusals("session_expired"):
        result = _client().initiate_auth(
            AuthFlow="REFRESH_TOKEN_AUTH",
            AuthParameters={"REFRESH_TOKEN": token},
            ClientId=settings.COGNITO_CLIENT_ID,
        )["AuthenticationResult"]
        return result["IdToken"], result["AccessToken"]


def log_out(refresh_token: str) -> None:
    """End this session: its refresh token gives no more tokens."""
    with _refusals("session_expired"):
        _client().revoke_token(Token=refresh_token, ClientId=settings.COGNITO_CLIENT_ID)


def log_out_everywhere(access: str) -> None:
    with _refusals(), _session():
        _pool(access=access).logout()


def change_password(access: str, old: str, new: str) -> None:
    with _refusals("wrong_password"), _session("Access Token"):
        _client().change_password(AccessToken=access, PreviousPassword=old, ProposedPassword=new)


def delete_account(access: str) -> None:
    """Delete whom the access token stands for; the address may sign up anew."""
    with _refusals(), _session():
        _pool(access=access).delete_user()


def has_totp(access: str) -> bool:
    with _refusals(), _session():
        return "SOFTWARE_TOKEN_MFA" in _client().get_user(AccessToken=access).get("UserMFASettingList", [])


def begin_totp(access: str) -> str:
    """Return the secret for the person's authenticator."""
    with _refusals(), _session():
        return _client().associate_software_token(AccessToken=access)["SecretCode"]


def finish_totp(access: str, code: str) -> None:
    """Ask for a code at every login from now on."""
    with _refusals(wrong_code="wrong_shown_code"), _session():
        _client().verify_software_token(AccessToken=access, UserCode=code)
        _client().set_user_mfa_preference(
            AccessToken=access, SoftwareTokenMfaSettings={"Enabled": True, "PreferredMfa": True}
        )


def drop_totp(access: str) -> None:
    with _refusals(), _session():
        _client().set_user_mfa_preference(
            AccessToken=access, SoftwareTokenMfaSettings={"Enabled": False, "PreferredMfa": False}
        )


# --- A forgotten password -----------------------------------------------------------------------------------


def forgot(email: str) -> None:
    """Mail a code, if there is such an account."""
    with _refusals():
        try:
            _pool(email).initiate_forgot_password()
        except (
            _client().exceptions.UserNotFoundException,
            _client().exceptions.InvalidParameterException,
            _client().exceptions.LimitExceededException,
            _client().exceptions.NotAuthorizedException,
        ):
            logger.info("No password to reset")  # nobody, not confirmed, disabled, too often: the same answer


def reset(email: str, code: str, password: str) -> None:
    """Change a forgotten password; whoever is logged in with the old one is out when the next token is due."""
    with _refusals():
        with _alike("wrong_code", "UserNotConfirmedException"):
            _pool(email).confirm_forgot_password(code, password)
        _client().admin_user_global_sign_out(UserPoolId=settings.COGNITO_USER_POOL_ID, Username=email)


# --- What staff do ------------------------------------------------------------------------------------------


def is_enabled(sub: str) -> bool:
    """Return whether the person is still in the pool and not disabled."""
    with _refusals():
        try:
            return _client().admin_get_user(UserPoolId=settings.COGNITO_USER_POOL_ID, Username=sub)["Enabled"]
        except _client().exceptions.UserNotFoundException:
            return False


def take_totp_from(sub: str) -> None:
    """Let somebody in again who has lost the authenticator; the password is still asked for."""
    with _refusals():
        _client().admin_set_user_mfa_preference(
            UserPoolId=settings.COGNITO_USER_POOL_ID,
            Username=sub,
            SoftwareTokenMfaSettings={"Enabled": False, "PreferredMfa": False},
        )


def delete_person(sub: str) -> None:
    """Delete a person from the pool; one already gone is no error."""
    with _refusals():
        try:
            _client().admin_delete_user(UserPoolId=settings.COGNITO_USER_POOL_ID, Username=sub)
        except _client().exceptions.UserNotFoundException:
            logger.info("Nobody to delete from the pool")


def email_of(access: str) -> str:
    """Return the address of whom the access token stands for."""
    with _refusals("session_expired"):
        attributes = _client().get_user(AccessToken=access)["UserAttributes"]
        return next(attribute["Value"] for attribute in attributes if attribute["Name"] == "email")


# --- Tokens -------------------------------------------------------------------------------------------------


def verify(token: str, use: Literal["id", "access"], *, access: str | None = None) -> Claims:
    """Return the claims of a token of this pool, for this site and this use, that has not expired.

    `access` is the token that came with an id token; where the id token holds its hash, the two must fit.
    """
    from jose import jwt
    from jose.exceptions import JOSEError

    client = settings.COGNITO_CLIENT_ID
    try:
        header = jwt.get_unverified_header(token)
        if header.get("alg") != "RS256":
            raise InvalidToken("Only RS256 is taken.")
        claims: Claims = jwt.decode(
            token,
            _keys.get(str(header.get("kid"))),
            algorithms=["RS256"],
            audience=client if use == "id" else None,
            issuer=issuer(),
            access_token=access,
            options={
                "require_exp": True,
                "require_iat": True,
                "require_iss": True,
                "require_sub": True,
                "require_aud": use == "id",
                "verify_at_hash": access is not None,
            },
        )
    except (JOSEError, ValueError, TypeError, AttributeError) as exc:
        raise InvalidToken("The token is not valid.") from exc
    if claims.get("token_use") != use:
        raise InvalidToken("The token is for another use.")
    if claims.get("aud" if use == "id" else "client_id") != client:
        raise InvalidToken("The token is for another client.")
    return claims


def issuer() -> str:
    return f"https://cognito-idp.{_region()}.amazonaws.com/{settings.COGNITO_USER_POOL_ID}"


class _Keys:
    """The pool's public keys. Kept for an hour; a key that is not among them is looked for anew, since pools rotate."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._keys: dict[str, dict[str, str]] = {}
        self._asked = -KEYS_KEPT * 2.0

    def get(self, kid: str) -> dict[str, str]:
        with self._lock:
            age = time.monotonic() - self._asked
            if age > KEYS_KEPT or (kid not in self._keys and age > KEYS_ASKED_EVERY):
                self._ask(kid)
        if kid not in self._keys:
            raise InvalidToken("The token is signed with a key that is not the pool's.")
        return self._keys[kid]

    def _ask(self, kid: str) -> None:
        try:
            keys = fetch_keys()
        except PoolFault:
            if kid not in self._keys:
                raise
            logger.warning("The pool's keys could not be had anew; going on with those at hand")
        else:
            self._keys = {key["kid"]: key for key in keys if key.get("kty") == "RSA"}
        self._asked = time.monotonic()


def fetch_keys() -> list[dict[str, str]]:
    try:
        answer = urllib3.request(
            "GET", settings.COGNITO_JWKS_URL, timeout=3.0, retries=urllib3.Retry(2, redirect=0)
        )
        if answer.status != 200:
            raise PoolFault(f"The pool's keys were answered with {answer.status}.")
        keys: list[dict[str, str]] = answer.json()["keys"]
        return keys
    except (urllib3.exceptions.HTTPError, ValueError, KeyError, TypeError) as exc:
        raise PoolFault("The pool's keys could not be had.") from exc


_keys = _Keys()


# --- The connection -----------------------------------------------------------------------------------------


def _region() -> str:
    region: str = settings.COGNITO_USER_POOL_ID.partition("_")[0]
    return region


@cache
def _client() -> CognitoIdentityProviderClient:
    return boto3.client(
        "cognito-idp",
        region_name=_region(),
        config=Config(
            retries={"mode": "standard", "total_max_attempts": 3}, connect_timeout=3, read_timeout=8
        ),
    )


def _pool(username: str = "", access: str | None = None) -> Cognito:
    """Return warrant's calls over our connection: its own is made anew each time and waits for ever."""
    from warrant import Cognito

    pool = Cognito.__new__(Cognito)
    pool.user_pool_id, pool.client_id = settings.COGNITO_USER_POOL_ID, settings.COGNITO_CLIENT_ID
    pool.client, pool.client_secret = _client(), None
    pool.username, pool.access_token = username, access
    pool.custom_attributes = pool.base_attributes = None
    return pool


def _refusal(code: str) -> Refusal:
    return Refusal(code, messages()[code])


def messages() -> dict[str, str]:
    return {
        "wrong_credentials": _(
            "No account fits this e-mail address and password. Check both; capital letters count. "
            "After several tries, wait a quarter of an hour."
        ),
        "wrong_password": _("That is not your present password."),
        "wrong_code": _("That code is not right, or it has expired. Check it, or ask for a new one."),
        "wrong_shown_code": _("That code is not right. Enter the one that your authenticator shows now."),
        "weak_password": _(
            "Choose a stronger password: at least 12 characters, with capital and small letters and digits."
        ),
        "too_many_attempts": _("Too many attempts. Wait a quarter of an hour, then try again."),
        "not_confirmed": _("The address is not confirmed yet. Enter the code from the mail."),
        "reset_required": _("A new password is needed. Reset it to go on."),
        "session_expired": _("That took too long or the session has ended. Log in again."),
        "unsupported": _("This account asks for a way to log in that this site does not have."),
    }


WRONG_CODES = ("CodeMismatchException", "EnableSoftwareTokenMFAException", "ExpiredCodeException")
REFUSALS = {
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
def _refusals(not_authorized: str = "wrong_credentials", wrong_code: str = "wrong_code") -> Iterator[None]:
    """Turn what the pool answers into our own errors; the arguments are what these answers mean for this act."""
    try:
        yield
    except ClientError as exc:
        error = exc.response["Error"]
        code = wrong_code if error["Code"] in WRONG_CODES else REFUSALS.get(error["Code"])
        if error["Code"] == "NotAuthorizedException":
            code = "too_many_attempts" if "attempts exceeded" in error["Message"] else not_authorized
        elif error["Code"] == "InvalidParameterException" and "password" in error["Message"].lower():
            code = "weak_password"
        if code is None:
            raise PoolFault(f"The user pool refused: {error['Code']}.") from exc
        raise _refusal(code) from exc
    except BotoCoreError as exc:
        raise PoolFault(f"The user pool did not answer: {type(exc).__name__}.") from exc


# The pool hides who has an account behind "the same answer as to a wrong one", but not everywhere: it counts attempts
# of accounts only, and says so.
OF_ACCOUNTS = (
    "LimitExceededException",
    "NotAuthorizedException",
    "TooManyFailedAttemptsException",
    "UserNotFoundException",
)


@contextmanager
def _alike(code: str, *more: str) -> Iterator[None]:
    """Answer a stranger as `code` whatever only an address with an account, or only one without, is answered."""
    try:
        yield
    except ClientError as exc:
        if exc.response["Error"]["Code"] in (*OF_ACCOUNTS, *more):
            raise _refusal(code) from exc
        raise


@contextmanager
def _session(saying: str = "") -> Iterator[None]:
    """Raise SessionOver where the pool is not content with who asks, `saying` so where it may mean something else."""
    try:
        yield
    except ClientError as exc:
        error = exc.response["Error"]
        if error["Code"] == "NotAuthorizedException" and saying in error["Message"]:
            raise SessionOver(messages()["session_expired"]) from exc
        raise
