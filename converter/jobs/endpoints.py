"""Webhooks: the URLs that receive a user's events."""

from __future__ import annotations

from collections.abc import Iterable

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.utils import timezone

from converter import outbound, webhooks
from converter.engine import Problem
from converter.jobs.errors import Conflict, InvalidSubmission
from converter.jobs.tasks import send_to_webhook
from converter.models import Delivery, Webhook

MOST = 20  # of one user


def add_webhook(owner: AbstractBaseUser, url: str, events: Iterable[str]) -> Webhook:
    """Have an address told of these events from now on. Conflict where nothing can leave this site."""
    if not settings.CONVERTER_WEBHOOKS:
        raise Conflict(kind="no_webhooks")
    if Webhook.objects.filter(owner=owner.pk).count() >= MOST:
        raise Conflict(kind="webhooks", most=MOST)
    _check_address(url)
    return Webhook.objects.create(
        owner_id=owner.pk,
        url=url,
        events=sorted({str(event) for event in events}),
        secret=webhooks.new_secret(),
    )


def change_webhook(webhook: Webhook, url: str, events: Iterable[str]) -> None:
    """Tell another address, or of other events; one that was disabled is told again."""
    _check_address(url)
    webhook.url, webhook.events, webhook.disabled_at = url, sorted({str(event) for event in events}), None
    webhook.save(update_fields=["url", "events", "disabled_at"])


def pause_webhook(webhook: Webhook) -> bool:
    """Tell it nothing until it is resumed; return whether it was told before."""
    return Webhook.objects.filter(pk=webhook.pk, disabled_at=None).update(disabled_at=timezone.now()) == 1


def resume_webhook(webhook: Webhook) -> bool:
    """Tell it again of what happens from now on; return whether it was not told before."""
    return Webhook.objects.filter(pk=webhook.pk).exclude(disabled_at=None).update(disabled_at=None) == 1


def send_test(webhook: Webhook) -> Delivery:
    """Send a message that tells of nothing."""
    _check_enabled(webhook)
    delivery = webhooks.note_test(webhook)
    send_to_webhook(delivery)
    return delivery


def redeliver(delivery: Delivery) -> None:
    """Send a message again, whatever became of it."""
    _check_enabled(delivery.webhook)
    send_to_webhook(delivery)
    delivery.refresh_from_db()


def _check_address(url: str) -> None:
    try:
        outbound.parts(url)
    except outbound.FetchError as exc:
        raise InvalidSubmission(
            "invalid_request",
            kind="problems",
            problems=[exc.message],
            errors=[Problem("/url", exc.message)],
        ) from exc


def _check_enabled(webhook: Webhook) -> None:
    if webhook.disabled_at:
        raise Conflict(kind="webhook_off")
