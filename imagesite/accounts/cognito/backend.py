"""Map verified identities of the user pool to rows of `User`, and start sessions."""

from __future__ import annotations

import logging
from typing import Any

from django.contrib.auth import login
from django.contrib.auth.backends import BaseBackend
from django.db import IntegrityError, transaction
from django.http import HttpRequest

from imagesite.accounts.cognito import jwt
from imagesite.accounts.cognito.client import Tokens
from imagesite.accounts.cognito.errors import CognitoUnavailable, InvalidToken
from imagesite.accounts.models import User

logger = logging.getLogger(__name__)

STAFF_GROUP = "staff"
SESSION_KEY = "cognito"  # session key: access and refresh token, and when the access token expires


class CognitoBackend(BaseBackend):
    """Load the user of a session. Logins use `start_session` instead of `authenticate`."""

    def get_user(self, user_id: Any) -> User | None:
        return User.objects.filter(pk=user_id, is_active=True).first()


def start_session(request: HttpRequest, tokens: Tokens) -> User | None:
    """Log in the user of these tokens and return them, or None if staff have closed the account here.

    The tokens stay on the server, in the session, which gets a new key. Raises CognitoUnavailable.
    """
    user, until = identify(tokens.id, tokens.access)
    if not user.is_active:
        return None
    login(request, user, backend="imagesite.accounts.cognito.backend.CognitoBackend")
    request.session[SESSION_KEY] = {"access": tokens.access, "refresh": tokens.refresh, "until": until}
    return user


def identify(id_token: str, access: str) -> tuple[User, int]:
    """Return the user of tokens that were just issued, and when the access token expires (Unix time).

    Raises CognitoUnavailable if verification fails: the pool's keys have changed, and the cache will fetch
    them within a minute.
    """
    try:
        claims = jwt.verify(id_token, "id", access=access)
        until: int = jwt.verify(access, "access")["exp"]
    except InvalidToken as exc:
        raise CognitoUnavailable("The tokens that Cognito has just issued are not valid.") from exc
    return user_of(claims), until


def user_of(claims: jwt.Claims, email: str = "") -> User:
    """Return the user with the claims' `sub`, updated from the claims, or created at the first login.

    `email` is needed for access tokens, which do not contain the address.
    """
    sub, email = claims["sub"], (email or claims.get("email", "")).lower()
    is_staff = STAFF_GROUP in claims.get("cognito:groups", [])
    user = User.objects.filter(sub=sub).first() or _create(sub, email)
    current = {"is_staff": is_staff, "is_superuser": is_staff, "email": email or user.email}
    changed = [name for name, value in current.items() if getattr(user, name) != value]
    if changed:
        with transaction.atomic():
            if "email" in changed:
                _release(email, sub)
            for name in changed:
                setattr(user, name, current[name])
            user.save(update_fields=changed)
    return user


def _create(sub: str, email: str) -> User:
    try:
        with transaction.atomic():
            _release(email, sub)
            return User.objects.create_user(email, sub=sub)
    except IntegrityError:
        return User.objects.get(sub=sub)  # two first logins at the same time


def _release(email: str, new_sub: str) -> None:
    """Detach this address from another user's row: its new owner must not get that user's images."""
    other = User.objects.filter(email__iexact=email).exclude(sub=new_sub).first()
    if other:
        other.email, other.is_active = f"{other.pk}@replaced.invalid", False
        other.save(update_fields=["email", "is_active"])
        logger.warning(
            "An e-mail address moved to another account; the old one is closed", extra={"user": str(other.pk)}
        )
