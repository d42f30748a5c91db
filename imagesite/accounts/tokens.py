"""Bearer tokens: ours, and whatever other verifier is listed."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import timedelta

from django.conf import settings
from django.db.models import Q
from django.utils import timezone
from django.utils.module_loading import import_string

from converter.api.access import Caller
from imagesite.accounts.models import ApiToken

USE_NOTED_EVERY = timedelta(minutes=1)


def ours(secret: str) -> Caller | None:
    """Return whom one of our own tokens stands for, while it may be used."""
    if not secret.startswith(ApiToken.PREFIX):
        return None
    usable = ApiToken.objects.usable().filter(digest=ApiToken.digest_of(secret))
    token = usable.select_related("owner").first()
    if token is None:
        return None
    now = timezone.now()
    # Not a write with every request: when it was last used is told to the minute.
    if token.last_used_at is None or token.last_used_at < now - USE_NOTED_EVERY:
        ApiToken.objects.filter(
            Q(last_used_at=None) | Q(last_used_at__lt=now - USE_NOTED_EVERY), pk=token.pk
        ).update(last_used_at=now)
    return Caller(user=token.owner, key=f"token:{token.pk}", may_write=token.may_write)


def caller_of(secret: str) -> Caller | None:
    """Ask the verifiers in turn; the first to know the token answers."""
    verifiers: Iterable[Callable[[str], Caller | None]] = map(import_string, settings.TOKEN_VERIFIERS)
    return next((caller for verify in verifiers if (caller := verify(secret))), None)
