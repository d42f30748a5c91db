"""What moto's Cognito accepts and the real one refuses: passwords, codes, disabled and unknown users.

`patch(monkeypatch)` is for a test in this process, `patch()` for the whole process of the mock AWS. The
server's side of SRP is written from the RFC and AWS's description without warrant's functions, so that the
two verify each other.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import hmac
import json
import os
import re
import secrets
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from joserfc import jwk
from moto.cognitoidp import exceptions, models, responses
from moto.core.responses import EmptyResult

CODE = "123456"  # the code in every mail
TOTP_SECRET = "asdfasdfasdf"  # moto's secret for every authenticator
ATTEMPTS = 5

PRIME = int(
    "FFFFFFFFFFFFFFFFC90FDAA22168C234C4C6628B80DC1CD129024E088A67CC74020BBEA63B139B22514A08798E3404DDEF9519B3CD3A431B"
    "302B0A6DF25F14374FE1356D6D51C245E485B576625E7EC6F44C42E9A637ED6B0BFF5CB6F406B7EDEE386BFB5A899FA5AE9F24117C4B1FE6"
    "49286651ECE45B3DC2007CB8A163BF0598DA48361C55D39A69163FA8FD24CF5F83655D23DCA3AD961C62F356208552BB9ED529077096966D"
    "670C354E4ABC9804F1746C08CA18217C32905E462E36CE3BE39E772C180E86039B2783A2EC07A28FB5C55DF06F4C52C9DE2BCBF695581718"
    "3995497CEA956AE515D2261898FA051015728E5A8AAAC42DAD33170D04507A33A85521ABDF1CBA64ECFB850458DBEF0A8AEA71575D060C7D"
    "B3970F85A6E1E4C7ABF5AE8CDB0933D71E8C94E04A25619DCEE3D2261AD2EE6BF12FFA06D98A0864D87602733EC86A64521F2B18177B200C"
    "BBE117577A615D6C770988C0BAD946E208E24FA074E5AB3143DB5BFCE0FD108E4B82D120A93AD2CAFFFFFFFFFFFFFFFF",
    16,
)
GENERATOR = 2
STAMP = re.compile(r"[A-Z][a-z]{2} [A-Z][a-z]{2} [1-9]\d? \d\d:\d\d:\d\d UTC \d{4}")


def _bytes(number: int) -> bytes:
    """Return the number as bytes like Java's BigInteger, with a sign bit."""
    return number.to_bytes(number.bit_length() // 8 + 1, "big")


def _hash(*parts: bytes) -> int:
    return int.from_bytes(hashlib.sha256(b"".join(parts)).digest(), "big")


class Exchange:
    """The server's half of one SRP authentication."""

    def __init__(self, pool: str, user: Any, a: int, password: str) -> None:
        self.pool, self.user, self.a = pool, user, a
        self.salt = secrets.randbits(128)
        self.block = base64.b64encode(secrets.token_bytes(48)).decode()
        inner = hashlib.sha256(f"{pool}{self.user_id}:{password}".encode()).digest()
        self.verifier = pow(GENERATOR, _hash(_bytes(self.salt), inner), PRIME)
        self.private = secrets.randbits(256)
        k = _hash(_bytes(PRIME), _bytes(GENERATOR))
        self.b = (k * self.verifier + pow(GENERATOR, self.private, PRIME)) % PRIME

    @property
    def user_id(self) -> str:
        return self.user.username if self.user else "nobody"

    def holds(self, responses: dict[str, str]) -> bool:
        stamp = responses["TIMESTAMP"]
        if not STAMP.fullmatch(stamp):
            return False
        sent = datetime.strptime(stamp, "%a %b %d %H:%M:%S UTC %Y").replace(tzinfo=UTC)
        if abs(datetime.now(UTC) - sent) > timedelta(minutes=5):
            return False
        u = _hash(_bytes(self.a), _bytes(self.b))
        shared = pow(self.a * pow(self.verifier, u, PRIME), self.private, PRIME)
        extracted = hmac.digest(_bytes(u), _bytes(shared), hashlib.sha256)
        key = hmac.digest(extracted, b"Caldera Derived Key\x01", hashlib.sha256)[:16]
        message = self.pool.encode() + self.user_id.encode() + base64.b64decode(self.block) + stamp.encode()
        expected = hmac.digest(key, message, hashlib.sha256)
        return hmac.compare_digest(expected, base64.b64decode(responses["PASSWORD_CLAIM_SIGNATURE"]))


_exchanges: dict[str, Exchange] = {}
_sign_up = models.CognitoIdpBackend.sign_up
_import = jwk.RSAKey.import_key
_initiate = models.CognitoIdpBackend.initiate_auth
_respond = models.CognitoIdpBackend.respond_to_auth_challenge
_set_mfa = models.CognitoIdpBackend.admin_set_user_mfa_preference
_change_password = models.CognitoIdpBackend.change_password
_forgot = models.CognitoIdpBackend.forgot_password
_sign_out = models.CognitoIdpBackend.admin_user_global_sign_out


def _pool_of(backend: Any, client_id: str) -> Any:
    return next(pool for pool in backend.user_pools.values() if client_id in pool.clients)


def initiate_auth(self: Any, client_id: str, auth_flow: str, auth_parameters: dict[str, str]) -> Any:
    pool = _pool_of(self, client_id)
    if auth_flow == "REFRESH_TOKEN_AUTH":
        held = pool.refresh_tokens.get(auth_parameters["REFRESH_TOKEN"])
        if held is None or not (user := pool._get_user(held[1])):
            raise exceptions.NotAuthorizedError("Refresh Token has been revoked")
        if not user.enabled:
            raise exceptions.NotAuthorizedError("User is disabled.")
        return _initiate(self, client_id, auth_flow, auth_parameters)
    assert auth_flow == "USER_SRP_AUTH", "the site's client allows nothing else"
    user = pool._get_user(auth_parameters["USERNAME"])
    if user and not user.enabled:
        raise exceptions.NotAuthorizedError("User is disabled.")
    a = int(auth_parameters["SRP_A"], 16)
    if a % PRIME == 0:
        raise exceptions.InvalidParameterException("SRP_A is invalid.")
    exchange = Exchange(pool.id.partition("_")[2], user, a, user.password if user else secrets.token_hex())
    _exchanges[exchange.block] = exchange
    if user:
        self.sessions[exchange.block] = (user.username, pool)
    return {
        "ChallengeName": "PASSWORD_VERIFIER",
        "ChallengeParameters": {
            "SALT": f"{exchange.salt:x}",
            "SRP_B": f"{exchange.b:x}",
            "SECRET_BLOCK": exchange.block,
            "USERNAME": exchange.user_id,
            "USER_ID_FOR_SRP": exchange.user_id,
        },
    }


def respond_to_auth_challenge(
    self: Any, session: str, client_id: str, challenge_name: str, challenge_responses: dict[str, str]
) -> Any:
    if challenge_name == "PASSWORD_VERIFIER":
        exchange = _exchanges.pop(challenge_responses["PASSWORD_CLAIM_SECRET_BLOCK"])
        user = exchange.user
        if user and getattr(user, "failed_attempts", 0) >= ATTEMPTS:
            raise exceptions.NotAuthorizedError("Password attempts exceeded")
        if user is None or not exchange.holds(challenge_responses):
            if user:
                user.failed_attempts = getattr(user, "failed_attempts", 0) + 1
            raise exceptions.NotAuthorizedError("Incorrect username or password.")
        user.failed_attempts = 0
        if user.status is models.UserStatus.UNCONFIRMED:
            raise exceptions.UserNotConfirmedException("User is not confirmed.")
    elif session not in self.sessions:
        raise exceptions.NotAuthorizedError("Invalid session for the user, session is expired.")
    return _respond(self, session, client_id, challenge_name, challenge_responses)


def sign_up(self: Any, client_id: str, *given: Any, **named: Any) -> Any:
    admins = _pool_of(self, client_id).extended_config.get("AdminCreateUserConfig") or {}
    if admins.get("AllowAdminCreateUserOnly"):
        raise exceptions.NotAuthorizedError("SignUp is not permitted for this user pool")
    return _sign_up(self, client_id, *given, **named)


def confirm_sign_up(self: Any) -> EmptyResult:
    backend = self._get_region_agnostic_backend()._find_backend_for_clientid(self._get_param("ClientId"))
    user = _pool_of(backend, self._get_param("ClientId"))._get_user(self._get_param("Username"))
    if user is None:
        raise exceptions.ExpiredCodeException("Invalid code provided, please request a code again.")
    if self._get_param("ConfirmationCode") != CODE:
        raise exceptions.CodeMismatchException("Invalid verification code provided, please try again.")
    if user.status is not models.UserStatus.UNCONFIRMED:
        raise exceptions.NotAuthorizedError("User cannot be confirmed. Current status is CONFIRMED")
    backend.confirm_sign_up(self._get_param("ClientId"), self._get_param("Username"))
    return EmptyResult()


def resend_confirmation_code(self: Any) -> EmptyResult:
    return EmptyResult()


def revoke_token(self: Any) -> EmptyResult:
    backend = self._get_region_agnostic_backend()._find_backend_for_clientid(self._get_param("ClientId"))
    _pool_of(backend, self._get_param("ClientId")).refresh_tokens[self._get_param("Token")] = None
    return EmptyResult()


def global_sign_out(self: Any) -> EmptyResult:
    """Find the region by the token, since the call is not signed."""
    backend = self._get_region_agnostic_backend()._find_backend_by_access_token(
        self._get_param("AccessToken")
    )
    backend.global_sign_out(self._get_param("AccessToken"))
    return EmptyResult()


def delete_user(self: Any) -> EmptyResult:
    backend = self._get_region_agnostic_backend()._find_backend_by_access_token(
        self._get_param("AccessToken")
    )
    user = backend.get_user(self._get_param("AccessToken"))
    pool = next(pool for pool in backend.user_pools.values() if user.username in pool.users)
    backend.admin_delete_user(pool.id, user.username)
    return EmptyResult()


def change_password(self: Any, access_token: str, previous_password: str, proposed_password: str) -> None:
    if not any(access_token in pool.access_tokens for pool in self.user_pools.values()):
        raise exceptions.NotAuthorizedError("Access Token has been revoked")
    _change_password(self, access_token, previous_password, proposed_password)


def forgot_password(self: Any, client_id: str, username: str) -> Any:
    if user := _pool_of(self, client_id)._get_user(username):
        user.awaits_reset = True
    return _forgot(self, client_id, username)


def confirm_forgot_password(
    self: Any, client_id: str, username: str, password: str, confirmation_code: str
) -> None:
    pool = _pool_of(self, client_id)
    user = pool._get_user(username)
    if user and not getattr(user, "awaits_reset", False):
        raise exceptions.ExpiredCodeException("Invalid code provided, please request a code again.")
    if user is None or confirmation_code != CODE:
        raise exceptions.CodeMismatchException("Invalid verification code provided, please try again.")
    self._validate_password(pool.id, password)
    user.password, user.failed_attempts, user.awaits_reset = password, 0, False


def admin_user_global_sign_out(self: Any, user_pool_id: str, username: str) -> None:
    _sign_out(self, user_pool_id, self.admin_get_user(user_pool_id, username).username)


def extra_claims(self: Any, client_id: str, username: str) -> dict[str, Any]:
    return {"email": self._get_user(username).attribute_lookup["email"], "email_verified": True}


def set_mfa(self: Any, pool_id: str, username: str, totp: dict[str, bool], sms: dict[str, bool]) -> None:
    _set_mfa(self, pool_id, username, totp, sms)
    if totp and not totp.get("Enabled"):
        self.admin_get_user(pool_id, username).token_verified = False


def import_key(key: Any) -> jwk.RSAKey:
    """Return the key of moto's pools. All share one, and finding its primes takes a third of a second."""
    return _imported(json.dumps(key))


@functools.cache
def _imported(key: str) -> jwk.RSAKey:
    return _import(json.loads(key))


def patch(setattr: Callable[..., None] = setattr) -> None:
    os.environ["MOTO_COGNITO_IDP_USER_POOL_ENABLE_TOTP"] = "true"
    backend, response = models.CognitoIdpBackend, responses.CognitoIdpResponse
    setattr(backend, "sign_up", sign_up)
    setattr(backend, "initiate_auth", initiate_auth)
    setattr(backend, "respond_to_auth_challenge", respond_to_auth_challenge)
    setattr(backend, "change_password", change_password)
    setattr(backend, "forgot_password", forgot_password)
    setattr(backend, "confirm_forgot_password", confirm_forgot_password)
    setattr(backend, "admin_user_global_sign_out", admin_user_global_sign_out)
    setattr(backend, "admin_set_user_mfa_preference", set_mfa)
    setattr(models.CognitoIdpUserPool, "get_user_extra_data_by_client_id", extra_claims)
    setattr(jwk.RSAKey, "import_key", import_key)
    setattr(response, "confirm_sign_up", confirm_sign_up)
    response.resend_confirmation_code = resend_confirmation_code  # type: ignore[attr-defined]
    response.revoke_token = revoke_token  # type: ignore[attr-defined]
    response.delete_user = delete_user  # type: ignore[attr-defined]
    setattr(response, "global_sign_out", global_sign_out)


def totp(at: datetime) -> str:
    """Return the code that an authenticator shows (RFC 6238)."""
    key = base64.b32decode(TOTP_SECRET.upper() + "=" * (-len(TOTP_SECRET) % 8))
    digest = hmac.digest(key, (int(at.timestamp()) // 30).to_bytes(8, "big"), hashlib.sha1)
    start = digest[-1] & 15
    return f"{(int.from_bytes(digest[start : start + 4], 'big') & 0x7FFFFFFF) % 10**6:06}"


def make_pool(client: Any) -> tuple[str, str]:
    """Create the pool and the site's client as Terraform does; return their ids."""
    pool = client.create_user_pool(
        PoolName="imagesite",
        UsernameAttributes=["email"],
        AutoVerifiedAttributes=["email"],
        UsernameConfiguration={"CaseSensitive": False},
        Policies={
            "PasswordPolicy": {
                "MinimumLength": 12,
                "RequireLowercase": True,
                "RequireUppercase": True,
                "RequireNumbers": True,
                "RequireSymbols": False,
            }
        },
    )["UserPool"]["Id"]
    client.set_user_pool_mfa_config(
        UserPoolId=pool, SoftwareTokenMfaConfiguration={"Enabled": True}, MfaConfiguration="OPTIONAL"
    )
    client.create_group(UserPoolId=pool, GroupName="staff")
    site = client.create_user_pool_client(
        UserPoolId=pool,
        ClientName="site",
        GenerateSecret=False,
        ExplicitAuthFlows=["ALLOW_USER_SRP_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"],
        PreventUserExistenceErrors="ENABLED",
    )["UserPoolClient"]["ClientId"]
    return pool, site
