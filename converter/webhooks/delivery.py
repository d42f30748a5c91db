"""Deliver messages: retry each for about three days, until the receiver accepts it (2xx) or is gone (410).

A webhook that has failed for days is paused and its owner notified.
"""

from __future__ import annotations

import logging
import random
import uuid
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

from django.conf import settings
from django.db.models import F
from django.utils import timezone

from converter import outbound
from converter.engine import Message
from converter.models import Delivery, Webhook
from converter.models.webhooks import LEASE
from converter.webhooks import notices, signing

logger = logging.getLogger(__name__)

# The retry schedule that the standard recommends.
WAITS = [
    timedelta(seconds=5),
    *(timedelta(minutes=minutes) for minutes in (5, 30)),
    *(timedelta(hours=hours) for hours in (2, 5, 10, 14, 20, 24)),
]
JITTER = 1.2  # so that messages that failed together are not retried together
LONGEST_WAIT = timedelta(hours=24)  # the most that a Retry-After can ask for
TIMEOUT = 20  # seconds; the standard recommends 15 to 30
FAILING = timedelta(days=5)


def deliver(delivery_id: uuid.UUID) -> None:
    """Send one message if it is due. The process that moves `due_at` ahead is the one that sends it.

    Stores the response, or why there was none; a failure of the receiver raises nothing.
    """
    now = timezone.now()
    delivery = _claim(delivery_id, now)
    if delivery is None:
        return
    answer, error = _post(delivery, now)
    status = answer.status if answer else None
    text = answer.body.decode(errors="replace") if answer else ""
    outcome: dict[str, Any] = {
        "answer_status": status,
        "answer": (error.text if error else text).replace("\0", "")[:500],
        "error_params": error and error.plain_params,
    }
    if status is not None and 200 <= status < 300:
        outcome |= {"delivered_at": timezone.now(), "due_at": None}
        Webhook.objects.filter(pk=delivery.webhook_id).exclude(failing_since=None).update(failing_since=None)
    elif status == 410:
        outcome |= {"due_at": None}
        Webhook.objects.filter(pk=delivery.webhook_id, disabled_at=None).update(disabled_at=timezone.now())
    else:
        outcome |= {
            "due_at": _next(
                timezone.now(), delivery.attempts, answer.headers.get("Retry-After", "") if answer else ""
            )
        }
        _note_failure(delivery.webhook, timezone.now())
    Delivery.objects.filter(pk=delivery.pk).update(**outcome)
    logger.info(
        "Webhook called", extra={"delivery": str(delivery.pk), "event": delivery.event, "status": status}
    )


def _claim(delivery_id: uuid.UUID, now: datetime) -> Delivery | None:
    """Return the message as it was before this attempt, if it is due and this process is to send it."""
    delivery = Delivery.objects.due(now).select_related("webhook__owner").filter(pk=delivery_id).first()
    if delivery is None:
        return None
    if delivery.webhook.disabled_at or not delivery.webhook.owner.is_active:
        Delivery.objects.filter(pk=delivery.pk).update(due_at=None)
        return None
    claimed = Delivery.objects.filter(
        pk=delivery.pk, due_at=delivery.due_at, attempts=delivery.attempts
    ).update(attempts=F("attempts") + 1, attempted_at=now, due_at=now + LEASE)
    return delivery if claimed else None


def _next(now: datetime, attempts: int, retry_after: str) -> datetime | None:
    """Return when to try again, by our schedule and not before Retry-After; None after the last attempt."""
    if attempts >= len(WAITS):
        return None
    wait = WAITS[attempts] * random.uniform(1, JITTER)  # noqa: S311 - no secret
    return now + max(wait, min(_retry_after(retry_after, now), LONGEST_WAIT))


def _retry_after(text: str, now: datetime) -> timedelta:
    """Return the delay of a Retry-After header (RFC 9110, 10.2.3), seconds or a date; zero if invalid."""
    text = text.strip()
    if text.isascii() and text.isdecimal():
        return timedelta(seconds=min(int(text[:9]), 10**8))
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return timedelta()
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - now


def _note_failure(webhook: Webhook, now: datetime) -> None:
    """Note since when a webhook fails; after FAILING, pause it and notify its owner once."""
    ours = Webhook.objects.filter(pk=webhook.pk, disabled_at=None)
    ours.filter(failing_since=None).update(failing_since=now)
    if ours.filter(failing_since__lt=now - FAILING).update(disabled_at=now):
        logger.warning("Webhook paused after failing for days", extra={"webhook": str(webhook.pk)})
        notices.tell_of_pause(webhook)


def _post(delivery: Delivery, now: datetime) -> tuple[outbound.Answer | None, Message | None]:
    """Return the response, or why there was none."""
    signed = signing.headers(delivery.webhook, f"msg_{delivery.pk.hex}", now, delivery.body)
    try:
        answer = outbound.request(
            "POST",
            delivery.webhook.url,
            body=delivery.body.encode(),
            headers={"Content-Type": "application/json", **signed},
            seconds=TIMEOUT,
            most_bytes=2000,
            cut=True,
            allowed=settings.CONVERTER_OUTBOUND_ALLOWED,
        )
    except outbound.FetchError as exc:
        return None, exc.message
    return answer, None
