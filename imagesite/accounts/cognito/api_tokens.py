"""Bearer tokens where a user pool keeps the accounts: the pool's own, and ours while the pool stands by their owner.

Apart from the backends, because the API is loaded with it and no page needs that.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from django.contrib.auth.base_user import AbstractBaseUser
from django.core.cache import cache

from converter.api.access import Caller
from converter.api.problems import DETAILS, Problem
from imagesite.accounts import tokens
from imagesite.accounts.cognito import client as cognito
from imagesite.accounts.cognito.backend import user_of
from imagesite.accounts.models import User

logger = logging.getLogger(__name__)

ENABLED_FOR = timedelta(minutes=10)  # how long an answer of the pool is believed


def pool(secret: str) -> Caller | None:
    """Return whom an access token of the pool stands for."""
    if secret.count(".") != 2:
        return None
    with _unavailable():
        try:
            claims = cognito.verify(secret, "access")
            known = User.objects.filter(sub=claims["sub"]).exists()
            user = user_of(claims, email="" if known else cognito.email_of(secret))
        except (cognito.InvalidToken, cognito.Refusal):
            return None
    return Caller(user=user, key=f"user:{user.pk}") if user.is_active else None


def ours(secret: str) -> Caller | None:
    """Return whom one of our own tokens stands for, while the pool still knows that person."""
    caller = tokens.ours(secret)
    with _unavailable():
        return caller if caller and is_enabled(caller.user) else None


def is_enabled(user: AbstractBaseUser) -> bool:
    """Return whether the pool still knows the person, asking it every few minutes."""
    sub: str | None = getattr(user, "sub", None)
    if not sub:
        return False
    key = f"pool-enabled:{sub}"
    enabled: bool | None = cache.get(key)
    if enabled is None:
        enabled = cognito.is_enabled(sub)
        cache.set(key, enabled, ENABLED_FOR.total_seconds())
    return enabled


@contextmanager
def _unavailable() -> Iterator[None]:
    try:
        yield
    except cognito.PoolFault as exc:
        logger.error("The user pool did not answer", exc_info=exc)
        raise Problem("unavailable", DETAILS["unavailable"], headers={"Retry-After": "5"}) from exc
