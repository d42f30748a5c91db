"""Bearer tokens of the API, checked by the verifiers in TOKEN_VERIFIERS."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import timedelta

from django.conf import settings
from django.db import OperationalError
from django.db.models import Q
from django.http import HttpRequest
from django.utils import timezone
from django.utils.module_loading import import_string

from converter.api import rates
from converter.api.access import Caller
from converter.api.problems import Problem
from converter.lock_timeout import short_lock_timeout
from imagesite.accounts import attempts
from imagesite.accounts.models import ApiToken

LAST_USED_PRECISION = timedelta(minutes=1)


def own_token(secret: str) -> Caller | None:
    """Return the caller of one of our own tokens; None if it is unknown, expired or revoked."""
    if not secret.startswith(ApiToken.PREFIX):
        return None
    usable = ApiToken.objects.usable().filter(digest=ApiToken.digest_of(secret))
    token = usable.select_related("owner").first()
    if token is None:
        return None
    now = timezone.now()
    # Written at most once a minute. An error is ignored: on a full disk, reading must go on.
    if token.last_used_at is None or token.last_used_at < now - LAST_USED_PRECISION:
        with suppress(OperationalError), short_lock_timeout():
            ApiToken.objects.filter(
                Q(last_used_at=None) | Q(last_used_at__lt=now - LAST_USED_PRECISION), pk=token.pk
            ).update(last_used_at=now)
    return Caller(user=token.owner, key=f"token:{token.pk}", may_write=token.may_write)


def caller_of(secret: str) -> Caller | None:
    """Return the caller from the first verifier that knows the token; None if none does.

    Raises Problem `unavailable` (503) if a verifier cannot tell at the moment.
    """
    verifiers: Iterable[Callable[[str], Caller | None]] = map(import_string, settings.TOKEN_VERIFIERS)
    return next((caller for verify in verifiers if (caller := verify(secret))), None)


def admitted(request: HttpRequest, secret: str) -> Caller:
    """Return the token's caller and count the request. Raises Problem if it is unknown or over its rate."""
    caller = caller_of(secret)
    if caller is None:
        _count_miss(request)
        raise Problem("invalid_token", headers={"WWW-Authenticate": 'Bearer error="invalid_token"'})
    rates.spend(request, caller)
    return caller


def _count_miss(request: HttpRequest) -> None:
    try:
        attempts.count_miss(request, "token")
    except attempts.TooManyAttempts as exc:
        raise Problem(
            "too_many_requests",
            kind="attempts",
            seconds=exc.seconds,
            headers={"Retry-After": str(exc.seconds)},
        ) from exc
