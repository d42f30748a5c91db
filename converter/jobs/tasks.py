"""Enqueue tasks for workers after the rows they need are committed."""

from __future__ import annotations

import uuid

from django.db import transaction

from converter import dispatch


def enqueue_conversion(upload_id: uuid.UUID, owner_id: uuid.UUID) -> None:
    """Enqueue the conversion of an upload; see `enqueue`."""
    enqueue("convert", owner_id, upload=upload_id)


def enqueue(act: str, owner_id: uuid.UUID, **ids: uuid.UUID) -> None:
    """Enqueue a task of `events.dispatched` in the owner's turn once the transaction is committed.

    Outside a transaction it is enqueued at once, and errors of `dispatch.ask` propagate.
    """
    event = {name: str(pk) for name, pk in ids.items()}
    transaction.on_commit(lambda: dispatch.ask(f"converter.events.dispatched.{act}", event, str(owner_id)))
