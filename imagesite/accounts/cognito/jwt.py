"""Verify the user pool's tokens: signature, issuer, audience, use and expiry.

warrant's own `verify_token` is not used: it takes audience and issuer from the token itself.
"""

from __future__ import annotations

import logging
import threading
import time
from typing import Any, Literal

import urllib3
from django.conf import settings

from imagesite.accounts.cognito import region
from imagesite.accounts.cognito.errors import CognitoUnavailable, InvalidToken

logger = logging.getLogger(__name__)

Claims = dict[str, Any]

KEY_LIFETIME = 3600  # seconds that fetched keys are used
REFETCH_INTERVAL = 60  # seconds; limits fetches caused by forged key ids


def verify(token: str, use: Literal["id", "access"], *, access: str | None = None) -> Claims:
    """Return the claims of an unexpired token of this user pool, for this site and this use.

    `access` is the access token issued with an id token; if the id token contains its hash, they must match.
    Raises InvalidToken for any other token, CognitoUnavailable if the pool's keys cannot be fetched.
    """
    from jose.exceptions import JOSEError  # slow to import, and few requests need it

    try:
        claims = _decode(token, use, access)
    except (JOSEError, ValueError, TypeError, AttributeError) as exc:
        raise InvalidToken("The token is not valid.") from exc
    if claims.get("token_use") != use:
        raise InvalidToken("The token is for another use.")
    if claims.get("aud" if use == "id" else "client_id") != settings.COGNITO_CLIENT_ID:
        raise InvalidToken("The token is for another client.")
    return claims


def _decode(token: str, use: Literal["id", "access"], access: str | None) -> Claims:
    from jose import jwt

    header = jwt.get_unverified_header(token)
    if header.get("alg") != "RS256":
        raise InvalidToken("The token is not signed with RS256.")
    claims: Claims = jwt.decode(
        token,
        _keys.get(str(header.get("kid"))),
        algorithms=["RS256"],
        audience=settings.COGNITO_CLIENT_ID if use == "id" else None,
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
    return claims


def issuer() -> str:
    """Return the `iss` claim of the user pool's tokens."""
    return f"https://cognito-idp.{region()}.amazonaws.com/{settings.COGNITO_USER_POOL_ID}"


class KeyCache:
    """The user pool's public keys by id, fetched again for an unknown id, since pools rotate their keys."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        # Provided by the deployment, so that a login needs one request less.
        self._keys: dict[str, dict[str, str]] = {key["kid"]: key for key in settings.COGNITO_JWKS["keys"]}
        self._fetched_at = time.monotonic() if self._keys else -KEY_LIFETIME * 2.0

    def get(self, kid: str) -> dict[str, str]:
        """Return the key. Raises InvalidToken for an unknown id, CognitoUnavailable if fetching fails."""
        with self._lock:
            age = time.monotonic() - self._fetched_at
            if age > KEY_LIFETIME or (kid not in self._keys and age > REFETCH_INTERVAL):
                self._fetch(kid)
        if kid not in self._keys:
            raise InvalidToken("The token is not signed with a key of the user pool.")
        return self._keys[kid]

    def _fetch(self, kid: str) -> None:
        try:
            keys = fetch_keys()
        except CognitoUnavailable:
            if kid not in self._keys:
                raise
            logger.warning("Could not fetch the user pool's keys; using the cached ones")
        else:
            self._keys = {key["kid"]: key for key in keys if key.get("kty") == "RSA"}
        self._fetched_at = time.monotonic()


def fetch_keys() -> list[dict[str, str]]:
    """Return the keys that the user pool publishes (JWKS). Raises CognitoUnavailable."""
    try:
        answer = urllib3.request(
            "GET", settings.COGNITO_JWKS_URL, timeout=3.0, retries=urllib3.Retry(2, redirect=0)
        )
        if answer.status != 200:
            raise CognitoUnavailable(f"The request for the user pool's keys returned status {answer.status}.")
        keys: list[dict[str, str]] = answer.json()["keys"]
        return keys
    except (urllib3.exceptions.HTTPError, ValueError, KeyError, TypeError) as exc:
        raise CognitoUnavailable("The user pool's keys could not be fetched.") from exc


_keys = KeyCache()
