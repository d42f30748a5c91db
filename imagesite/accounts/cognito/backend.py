"""A verified identity of the user pool -> the row of a person."""

from __future__ import annotations

import logging
from typing import Any

from django.contrib.auth import login
from django.contrib.auth.backends import BaseBackend
from django.db import IntegrityError, transaction
from django.http import HttpRequest

from imagesite.accounts.cognito import client as cognito
from imagesite.accounts.cognito.client import Claims, InvalidToken, PoolFault, Tokens
from imagesite.accounts.models import User

logger = logging.getLogger(__name__)

STAFF_GROUP = "staff"
SESSION_KEY = "pool"


class PoolBackend(BaseBackend):
    """Knows people by their row. Nobody logs in through it alone: `start_session` is the way in."""

    def get_user(self, user_id: Any) -> User | None:
        return User.objects.filter(pk=user_id, is_active=True).first()


def start_session(request: HttpRequest, issued: Tokens) -> User | None:
    """Log the person in whom the tokens stand for; None when staff have closed the account here.

    The tokens stay on the server, in the session, which gets a new key.
    """
    user, until = identify(issued.id, issued.access)
    if not user.is_active:
        return None
    login(request, user, backend="imagesite.accounts.cognito.backend.PoolBackend")
    request.session[SESSION_KEY] = {
        "access": issued.access,
        "refresh": issued.refresh,
        "until": until,
    }
    return user


def identify(id_token: str, access: str) -> tuple[User, int]:
    """Return whom tokens that the pool has issued this moment stand for, and until when.

    PoolFault where they do not hold: its keys have changed, and ours are asked for again only in a minute.
    """
    try:
        claims = cognito.verify(id_token, "id", access=access)
        until: int = cognito.verify(access, "access")["exp"]
    except InvalidToken as exc:
        raise PoolFault("The pool's own tokens do not hold.") from exc
    return user_of(claims), until


def user_of(claims: Claims, email: str = "") -> User:
    """Return the row of the pool's `sub`, brought up to date; made at the first visit."""
    sub, email = claims["sub"], (email or claims.get("email", "")).lower()
    is_staff = STAFF_GROUP in claims.get("cognito:groups", [])
    user = User.objects.filter(sub=sub).first() or _make(sub, email)
    changed = {"is_staff": is_staff, "is_superuser": is_staff, "email": email or user.email}
    fields = [name for name, value in changed.items() if getattr(user, name) != value]
    if fields:
        with transaction.atomic():
            if "email" in fields:
                _release(email, but=sub)
            for name in fields:
                setattr(user, name, changed[name])
            user.save(update_fields=fields)
    return user


def _make(sub: str, email: str) -> User:
    try:
        with transaction.atomic():
            _release(email, but=sub)
            return User.objects.create_user(email, sub=sub)
    except IntegrityError:
        return User.objects.get(sub=sub)  # two first visits at once


def _release(email: str, *, but: str) -> None:
    """Take the address from a row of another `sub`: an address may change hands, what was made under it does not."""
    other = User.objects.filter(email__iexact=email).exclude(sub=but).first()
    if other:
        other.email, other.is_active = f"{other.pk}@replaced.invalid", False
        other.save(update_fields=["email", "is_active"])
        logger.warning("An address changed hands; the older row is closed", extra={"user": str(other.pk)})
