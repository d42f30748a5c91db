"""Enqueue tasks for workers, once the rows they need are committed."""

from __future__ import annotations

import uuid

from django.db import transaction

from converter import dispatch


def enqueue_conversion(upload_id: uuid.UUID, owner_id: uuid.UUID) -> None:
    """Enqueue the conversion of an upload, as `enqueue` does."""
    enqueue("convert", owner_id, upload=upload_id)


def enqueue(act: str, owner_id: uuid.UUID, **ids: uuid.UUID) -> None:
    """Enqueue a task of `events.dispatched` once the transaction is committed, in the owner's turn.

    Outside a transaction it is enqueued at once, and raises what `dispatch.ask` raises.
    """
    event = {name: str(pk) for name, pk in ids.items()}
    transaction.on_commit(lambda: dispatch.ask(f"converter.events.dispatched.{act}", event, str(owner_id)))
