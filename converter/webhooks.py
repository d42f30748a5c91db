"""Webhooks, as defined by Standard Webhooks 1.0.

What is told is written down with the fact itself; it is sent by a worker, again and again with growing waits, until the
receiver takes it (2xx), is gone (410), or a day is over.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import logging
import secrets
import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import F, Max
from django.utils import timezone

from converter import outbound
from converter.engine import Message
from converter.models import Batch, Delivery, Job, Webhook

logger = logging.getLogger(__name__)

PREFIX = "whsec_"
WAITS = [timedelta(minutes=m) for m in (1, 5, 30, 120, 300, 960)]  # about a day in all
BOTH_SECRETS = timedelta(hours=24)
TIMEOUT = 10  # seconds
KEPT = timedelta(days=7)
DUE_AT_ONCE = 200


def new_secret() -> str:
    return PREFIX + base64.b64encode(secrets.token_bytes(32)).decode()


def rotate(webhook: Webhook) -> None:
    """Give it a new secret; for a day messages are signed with both."""
    webhook.old_secret, webhook.old_secret_until = webhook.secret, timezone.now() + BOTH_SECRETS
    webhook.secret = new_secret()
    webhook.save(update_fields=["secret", "old_secret", "old_secret_until"])


# --- Writing down ------------------------------------------------------------------------------------------


def note_job(job_id: uuid.UUID, owner_id: uuid.UUID) -> list[uuid.UUID]:
    """Write down that a job has finished or failed, and its batch with it if it was the last; return the deliveries
    to be sent. In the transaction that ends the job: there is no end that nobody hears of.
    """
    listening = _listening(owner_id)
    if not listening:
        return []
    job = Job.objects.select_related("batch").get(pk=job_id)
    if not job.batch.kept:
        return []
    event = Webhook.Event.JOB_FINISHED if job.status == Job.Status.FINISHED else Webhook.Event.JOB_FAILED
    facts = {
        "id": str(job.pk),
        "batch": str(job.batch_id),
        "upload": str(job.upload_id),
        "status": job.status,
        "error": job.error,
    }
    told = _note(listening, event, f"{job.pk} {job.finished_at}", facts)
    return told + _note_end(job.batch_id, listening)


def note_batch(batch_id: uuid.UUID, owner_id: uuid.UUID) -> list[uuid.UUID]:
    """Write down that a batch has come to its end, if it has; return the deliveries to be sent.

    In the transaction that ends its last job, or jobs.
    """
    return _note_end(batch_id, _listening(owner_id))


def _note_end(batch_id: uuid.UUID, listening: Sequence[Webhook]) -> list[uuid.UUID]:
    if not any(Webhook.Event.BATCH_FINISHED in webhook.events for webhook in listening):
        return []
    # Two workers that end the last two jobs at once would each see the other's still running: one at a time.
    batch = Batch.objects.select_for_update(no_key=True).filter(pk=batch_id).first()
    if batch is None or not batch.kept or batch.jobs.filter(status__in=Job.UNFINISHED).exists():
        return []
    # However often it is looked at, it is the same end, and it is told once.
    end = batch.jobs.aggregate(end=Max("finished_at"))["end"]
    facts = {"id": str(batch.pk), "status": batch.state, "jobs": batch.tally.by_status}
    return _note(listening, Webhook.Event.BATCH_FINISHED, f"{batch.pk} {end}", facts)


def _listening(owner_id: uuid.UUID) -> list[Webhook]:
    return list(Webhook.objects.filter(owner=owner_id, disabled_at=None))


def note_test(webhook: Webhook) -> Delivery:
    """Write down a message that tells of nothing."""
    now = timezone.now()
    return Delivery.objects.create(
        webhook=webhook,
        event="webhook.test",
        subject=f"{now}",
        body=_body("webhook.test", now, {"id": str(webhook.pk)}),
        due_at=now,
    )


def _note(
    listening: Sequence[Webhook], event: Webhook.Event, subject: str, facts: dict[str, Any]
) -> list[uuid.UUID]:
    now = timezone.now()
    webhooks = [webhook for webhook in listening if event in webhook.events]
    if not webhooks:
        return []
    body = _body(event.value, now, facts)
    Delivery.objects.bulk_create(
        [
            Delivery(webhook=webhook, event=event, subject=subject, body=body, created_at=now, due_at=now)
            for webhook in webhooks
        ],
        ignore_conflicts=True,
    )
    told = Delivery.objects.filter(webhook__in=webhooks, event=event, subject=subject, attempts=0)
    return list(told.values_list("pk", flat=True))


def _body(event: str, now: datetime, facts: dict[str, Any]) -> str:
    return json.dumps({"type": event, "timestamp": now.isoformat(), "data": facts}, separators=(",", ":"))


# --- Sending -----------------------------------------------------------------------------------------------


def due(now: datetime) -> list[uuid.UUID]:
    """Return the deliveries that should be sent now."""
    waiting = Delivery.objects.filter(due_at__lte=now).order_by("due_at")
    return list(waiting.values_list("pk", flat=True)[:DUE_AT_ONCE])


def send_again(delivery: Delivery) -> None:
    """Send it again now, with all retries, whatever its state."""
    Delivery.objects.filter(pk=delivery.pk).update(
        due_at=timezone.now(), attempts=0, delivered_at=None, answer_status=None, answer="", error_params=None
    )


def deliver(delivery_id: uuid.UUID) -> None:
    """Send one message if it is due. The process that moves its next attempt ahead is the one that sends it."""
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
    status, text, refusal = _post(delivery, now)
    facts = {"delivery": str(delivery.pk), "event": delivery.event, "status": status}
    outcome: dict[str, Any] = {
        "answer_status": status,
        "answer": text.replace("\0", "")[:500],
        "error_params": refusal and refusal.plain_params,
    }
    if status is not None and 200 <= status < 300:
        outcome |= {"delivered_at": timezone.now(), "due_at": None}
    elif status == 410:
        outcome |= {"due_at": None}
        Webhook.objects.filter(pk=delivery.webhook_id, disabled_at=None).update(disabled_at=timezone.now())
    Delivery.objects.filter(pk=delivery.pk).update(**outcome)
    logger.info("Webhook called", extra=facts)


def _next(now: datetime, attempts: int) -> datetime | None:
    return now + WAITS[attempts] if attempts < len(WAITS) else None


def _post(delivery: Delivery, now: datetime) -> tuple[int | None, str, Message | None]:
    """Return the status and text of the answer, or why there was none."""
    message_id, moment = f"msg_{delivery.pk.hex}", str(int(now.timestamp()))
    try:
        answer = outbound.request(
            "POST",
            delivery.webhook.url,
            body=delivery.body.encode(),
            headers={
                "Content-Type": "application/json",
                "webhook-id": message_id,
                "webhook-timestamp": moment,
                "webhook-signature": " ".join(
                    signature(secret, message_id, moment, delivery.body)
                    for secret in _secrets(delivery.webhook, now)
                ),
            },
            seconds=TIMEOUT,
            most_bytes=2000,
            cut=True,
            allowed=settings.CONVERTER_OUTBOUND_ALLOWED,
        )
    except outbound.FetchError as exc:
        return None, exc.message.text, exc.message
    return answer.status, answer.body.decode(errors="replace"), None


def _secrets(webhook: Webhook, now: datetime) -> Sequence[str]:
    if webhook.old_secret and webhook.old_secret_until and webhook.old_secret_until > now:
        return [webhook.secret, webhook.old_secret]
    return [webhook.secret]


def signature(secret: str, message_id: str, moment: str, body: str) -> str:
    """Return what proves to the receiver, who knows the secret, that we sent this body then."""
    key = base64.b64decode(secret.removeprefix(PREFIX))
    digest = hmac.new(key, f"{message_id}.{moment}.{body}".encode(), hashlib.sha256).digest()
    return f"v1,{base64.b64encode(digest).decode()}"


def forget_old(now: datetime) -> int:
    """Delete what was done with a week ago; return how many."""
    count, _ = Delivery.objects.filter(due_at=None, created_at__lt=now - KEPT).delete()
    return count
