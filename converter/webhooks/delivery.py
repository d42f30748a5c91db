"""Delivery: send each message until the receiver accepts it (2xx) or is gone (410), for about a day."""

from __future__ import annotations

import logging
import uuid
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import F
from django.utils import timezone

from converter import outbound
from converter.engine import Message
from converter.models import Delivery, Webhook
from converter.webhooks import signing

logger = logging.getLogger(__name__)

WAITS = [timedelta(minutes=m) for m in (1, 5, 30, 120, 300, 960)]  # about a day in all
TIMEOUT = 10  # seconds


def deliver(delivery_id: uuid.UUID) -> None:
    """Send one message if it is due. The process that moves its next attempt ahead is the one that sends it.

    Stores the answer, or why there was none; a receiver that fails raises nothing.
    """
    now = timezone.now()
    delivery = Delivery.objects.select_related("webhook").filter(pk=delivery_id, due_at__lte=now).first()
    if delivery is None:
        return
    if delivery.webhook.disabled_at:
        Delivery.objects.filter(pk=delivery.pk).update(due_at=None)
        return
    claimed = Delivery.objects.filter(
        pk=delivery.pk, due_at=delivery.due_at, attempts=delivery.attempts
    ).update(attempts=F("attempts") + 1, due_at=_next(now, delivery.attempts))
    if not claimed:
        return
    status, text, error = _post(delivery, now)
    outcome: dict[str, Any] = {
        "answer_status": status,
        "answer": text.replace("\0", "")[:500],
        "error_params": error and error.plain_params,
    }
    if status is not None and 200 <= status < 300:
        outcome |= {"delivered_at": timezone.now(), "due_at": None}
    elif status == 410:
        outcome |= {"due_at": None}
        Webhook.objects.filter(pk=delivery.webhook_id, disabled_at=None).update(disabled_at=timezone.now())
    Delivery.objects.filter(pk=delivery.pk).update(**outcome)
    logger.info(
        "Webhook called", extra={"delivery": str(delivery.pk), "event": delivery.event, "status": status}
    )


def _next(now: datetime, attempts: int) -> datetime | None:
    return now + WAITS[attempts] if attempts < len(WAITS) else None


def _post(delivery: Delivery, now: datetime) -> tuple[int | None, str, Message | None]:
    """Return the status and text of the answer, or why there was none."""
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
        return None, exc.message.text, exc.message
    return answer.status, answer.body.decode(errors="replace"), None
