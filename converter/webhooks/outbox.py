"""The outbox: events are stored in the transaction that causes them and sent by a worker after its commit."""

from __future__ import annotations

import json
import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Max
from django.utils import timezone

from converter import dispatch
from converter.models import Batch, Delivery, Job, RateLimit, Webhook
from converter.webhooks.errors import Conflict, WebhookError

KEPT = timedelta(days=7)
DUE_AT_ONCE = 200
BY_HAND, BY_HAND_SECONDS = 10, 6  # tests and redeliveries per user at once; seconds until one more is allowed


def notify_of_job(job: Job) -> None:
    """Notify of a job that has finished or failed, and of its batch if that is now done.

    Call in the transaction that ends the job, so that no event is lost.
    """
    listening = _listening(job.owner_id)
    if not listening:
        return
    job = Job.objects.select_related("batch").get(pk=job.pk)
    if not job.batch.kept:
        return
    event = Webhook.Event.JOB_FINISHED if job.status == Job.Status.FINISHED else Webhook.Event.JOB_FAILED
    facts = {
        "id": str(job.pk),
        "batch": str(job.batch_id),
        "upload": str(job.upload_id),
        "uploads": [str(upload.pk) for upload in job.uploads],
        "status": job.status,
        "error": job.error,
    }
    _note(listening, event, f"{job.pk} {job.finished_at}", facts)
    _note_end(job.batch_id, listening)


def notify_of_batch(batch_id: uuid.UUID, owner_id: uuid.UUID) -> None:
    """Notify of a batch if it is done. Call in the transaction that ends its last jobs."""
    _note_end(batch_id, _listening(owner_id))


def send_test(webhook: Webhook) -> Delivery:
    """Send a test event. Raises Conflict if the webhook is paused, WebhookError if a user sends too many."""
    _check_enabled(webhook)
    now = timezone.now()
    _count(webhook, now)
    delivery = Delivery.objects.create(
        webhook=webhook,
        event="webhook.test",
        subject=f"{now}",
        body=_body("webhook.test", now, {"id": str(webhook.pk)}),
        due_at=now,
    )
    enqueue(delivery)
    return delivery


def redeliver(delivery: Delivery) -> None:
    """Send a message again now, with all retries, whatever its state. Raises the errors of `send_test`."""
    _check_enabled(delivery.webhook)
    now = timezone.now()
    _count(delivery.webhook, now)
    Delivery.objects.filter(pk=delivery.pk).update(
        due_at=now, attempts=0, delivered_at=None, answer_status=None, answer="", error_params=None
    )
    enqueue(delivery)
    delivery.refresh_from_db()


def due(now: datetime) -> list[Delivery]:
    """Return up to DUE_AT_ONCE deliveries to send now."""
    return list(Delivery.objects.due(now).order_by("due_at")[:DUE_AT_ONCE])


def enqueue(delivery: Delivery) -> None:
    """Enqueue a delivery, in its webhook's turn, once the transaction is committed."""
    event, turn = {"delivery": str(delivery.pk)}, str(delivery.webhook_id)
    transaction.on_commit(lambda: dispatch.ask("converter.events.dispatched.deliver", event, turn))


def forget_old(now: datetime) -> int:
    """Delete ended deliveries older than a week; return how many."""
    count, _ = Delivery.objects.filter(due_at=None, created_at__lt=now - KEPT).delete()
    return count


def _count(webhook: Webhook, now: datetime) -> None:
    """Limit the messages that a user sends by hand, which could flood another server."""
    wait = RateLimit.objects.spend(f"webhook:{webhook.owner_id}", now.timestamp(), BY_HAND_SECONDS, BY_HAND)
    if wait:
        raise WebhookError("too_many_requests", kind="webhook", seconds=wait)


def _check_enabled(webhook: Webhook) -> None:
    if webhook.disabled_at:
        raise Conflict(kind="webhook_off")


def _listening(owner_id: uuid.UUID) -> list[Webhook]:
    return list(Webhook.objects.filter(owner=owner_id, owner__is_active=True, disabled_at=None))


def _note_end(batch_id: uuid.UUID, listening: Sequence[Webhook]) -> None:
    if not any(Webhook.Event.BATCH_FINISHED in webhook.events for webhook in listening):
        return
    # Lock the batch: two workers that end the last two jobs at once would each see the other's still running.
    batch = Batch.objects.select_for_update(no_key=True).filter(pk=batch_id).first()
    if batch is None or not batch.kept or batch.jobs.filter(status__in=Job.UNFINISHED).exists():
        return
    # The end time identifies this end of the batch, so that it is reported once.
    end = batch.jobs.aggregate(end=Max("finished_at"))["end"]
    facts = {"id": str(batch.pk), "status": batch.state, "jobs": batch.tally.by_status}
    _note(listening, Webhook.Event.BATCH_FINISHED, f"{batch.pk} {end}", facts)


def _note(listening: Sequence[Webhook], event: Webhook.Event, subject: str, facts: dict[str, Any]) -> None:
    now = timezone.now()
    webhooks = [webhook for webhook in listening if event in webhook.events]
    if not webhooks:
        return
    body = _body(event.value, now, facts)
    Delivery.objects.bulk_create(
        [
            Delivery(webhook=webhook, event=event, subject=subject, body=body, created_at=now, due_at=now)
            for webhook in webhooks
        ],
        ignore_conflicts=True,
    )
    noted = Delivery.objects.filter(webhook__in=webhooks, event=event, subject=subject, attempts=0)
    for delivery in noted:
        enqueue(delivery)


def _body(event: str, now: datetime, facts: dict[str, Any]) -> str:
    return json.dumps({"type": event, "timestamp": now.isoformat(), "data": facts}, separators=(",", ":"))
