"""Asking a worker, once what it is to see is committed."""

from __future__ import annotations

import uuid

from django.db import transaction

from converter import dispatch


def enqueue_conversion(upload_id: uuid.UUID, owner_id: uuid.UUID) -> None:
    enqueue("convert", owner_id, upload=upload_id)


def enqueue(act: str, owner_id: uuid.UUID, **ids: uuid.UUID) -> None:
    """Have a worker do it once the transaction is committed, when it is the owner's turn."""
    event = {name: str(pk) for name, pk in ids.items()}
    transaction.on_commit(lambda: dispatch.ask(f"converter.events.dispatched.{act}", event, str(owner_id)))
