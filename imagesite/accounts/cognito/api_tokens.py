"""Verify bearer tokens of the API: Cognito's access tokens, and our own if Cognito has their owner enabled.

Separate from the backend, because it imports the API, which pages do not need.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from django.contrib.auth.base_user import AbstractBaseUser
from django.core.cache import cache

from converter.api.access import Caller
from converter.api.problems import Problem
from imagesite.accounts import tokens
from imagesite.accounts.cognito import client, jwt
from imagesite.accounts.cognito.backend import user_of
from imagesite.accounts.cognito.errors import CognitoError, CognitoUnavailable, InvalidToken
from imagesite.accounts.models import User

logger = logging.getLogger(__name__)

CACHED_FOR = timedelta(minutes=10)  # how long Cognito's reply whether a user is enabled is cached


def cognito_token(secret: str) -> Caller | None:
    """Return the caller of one of Cognito's access tokens, or None if it is invalid.

    Raises Problem `unavailable` (503) if Cognito does not respond.
    """
    if secret.count(".") != 2:
        return None
    try:
        with _unavailable_as_problem():
            claims = jwt.verify(secret, "access")
            known = User.objects.filter(sub=claims["sub"]).exists()
            user = user_of(claims, email="" if known else client.email_of(secret))
    except (InvalidToken, CognitoError):
        return None
    return Caller(user=user, key=f"user:{user.pk}") if user.is_active else None


def own_token(secret: str) -> Caller | None:
    """Return the caller of one of our own tokens, or None if it is invalid or its owner disabled.

    Raises Problem `unavailable` (503) if Cognito does not respond.
    """
    caller = tokens.own_token(secret)
    with _unavailable_as_problem():
        return caller if caller and is_enabled(caller.user) else None


def is_enabled(user: AbstractBaseUser) -> bool:
    """Return whether the user is enabled in the user pool; the reply is cached for ten minutes.

    Raises CognitoUnavailable, and CognitoError if Cognito throttles.
    """
    sub: str | None = getattr(user, "sub", None)
    if not sub:
        return False
    key = f"cognito-enabled:{sub}"
    enabled: bool | None = cache.get(key)
    if enabled is None:
        enabled = client.is_enabled(sub)
        cache.set(key, enabled, CACHED_FOR.total_seconds())
    return enabled


@contextmanager
def _unavailable_as_problem() -> Iterator[None]:
    try:
        yield
    except (CognitoUnavailable, CognitoError) as exc:
        if isinstance(exc, CognitoError) and exc.code != "too_many_attempts":
            raise
        logger.error("Cognito did not respond", exc_info=exc)
        raise Problem("unavailable", headers={"Retry-After": "5"}) from exc
