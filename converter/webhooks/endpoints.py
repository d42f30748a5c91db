"""Add, change, pause and resume webhooks."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.utils import timezone
from django.utils.translation import get_language

from converter import outbound
from converter.engine import Problem
from converter.models import Webhook
from converter.webhooks.errors import Conflict, InvalidEndpoint
from converter.webhooks.signing import new_secret

MOST = 20  # per user
BOTH_SECRETS = timedelta(hours=24)


def add(owner: AbstractBaseUser, url: str, events: Iterable[str]) -> Webhook:
    """Create a webhook.

    Raises Conflict if webhooks are turned off or the owner has too many, InvalidEndpoint if the URL is not
    allowed.
    """
    if not settings.CONVERTER_WEBHOOKS:
        raise Conflict(kind="no_webhooks")
    if Webhook.objects.filter(owner=owner.pk).count() >= MOST:
        raise Conflict(kind="webhooks", most=MOST)
    _check_url(url)
    return Webhook.objects.create(
        owner_id=owner.pk,
        url=url,
        events=sorted({str(event) for event in events}),
        secret=new_secret(),
        language=get_language() or "",
    )


def change(webhook: Webhook, url: str, events: Iterable[str]) -> None:
    """Change the URL and events, and resume the webhook. Raises InvalidEndpoint if the URL is not allowed."""
    _check_url(url)
    webhook.url, webhook.events = url, sorted({str(event) for event in events})
    webhook.disabled_at = webhook.failing_since = None
    webhook.language = get_language() or ""
    webhook.save(update_fields=["url", "events", "disabled_at", "failing_since", "language"])


def pause(webhook: Webhook) -> bool:
    """Stop sending events until `resume`; return whether it was active."""
    active = Webhook.objects.filter(pk=webhook.pk, disabled_at=None)
    return active.update(disabled_at=timezone.now(), failing_since=None) == 1


def resume(webhook: Webhook) -> bool:
    """Send new events again; return whether it was paused."""
    paused = Webhook.objects.filter(pk=webhook.pk).exclude(disabled_at=None)
    return paused.update(disabled_at=None, failing_since=None) == 1


def rotate(webhook: Webhook) -> None:
    """Set a new secret. For a day, messages are signed with both secrets."""
    webhook.old_secret, webhook.old_secret_until = webhook.secret, timezone.now() + BOTH_SECRETS
    webhook.secret = new_secret()
    webhook.save(update_fields=["secret", "old_secret", "old_secret_until"])


def _check_url(url: str) -> None:
    try:
        outbound.check(url, settings.CONVERTER_OUTBOUND_ALLOWED)
    except outbound.FetchError as exc:
        raise InvalidEndpoint(
            kind="problems", problems=[exc.message], errors=[Problem("/url", exc.message)]
        ) from exc
