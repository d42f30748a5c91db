"""Asking a worker, and telling other programs, once what they are to see is committed."""

from __future__ import annotations

import uuid

from django.db import transaction

from converter import dispatch, webhooks
from converter.models import Delivery, Job


def enqueue_conversion(upload_id: uuid.UUID) -> None:
    enqueue("convert", upload=upload_id)


def send_to_webhook(delivery: Delivery) -> None:
    """Send a message now, whatever became of it before."""
    webhooks.send_again(delivery)
    enqueue("deliver", delivery=delivery.pk)


def notify_of_job(job: Job) -> None:
    """Tell what became of a job, and that its batch has come to its end if it was the last.

    Within the transaction that ends it, so that a crash loses both or nothing.
    """
    for delivery_id in webhooks.note_job(job.pk, job.owner_id):
        enqueue("deliver", delivery=delivery_id)


def notify_of_batch(batch_id: uuid.UUID, owner_id: uuid.UUID) -> None:
    """Tell that a batch has come to its end, if it has. Within the transaction that ended its jobs."""
    for delivery_id in webhooks.note_batch(batch_id, owner_id):
        enqueue("deliver", delivery=delivery_id)


def enqueue(act: str, **ids: uuid.UUID) -> None:
    event = {name: str(pk) for name, pk in ids.items()}
    transaction.on_commit(lambda: dispatch.ask(f"converter.events.dispatched.{act}", event))
