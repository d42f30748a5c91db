"""Webhooks, as defined by Standard Webhooks 1.0.

- endpoints: the URLs that receive a user's events
- outbox: the events to be sent, stored in the transaction that causes them
- delivery: sending them, with retries
- signing: secrets and signatures
"""

from __future__ import annotations

from converter.engine import register
from converter.webhooks.delivery import deliver
from converter.webhooks.errors import Conflict, InvalidEndpoint, WebhookError
from converter.webhooks.messages import TEMPLATES
from converter.webhooks.outbox import due, enqueue, forget_old, notify_of_batch, notify_of_job

register(TEMPLATES)

__all__ = [
    "Conflict",
    "InvalidEndpoint",
    "WebhookError",
    "deliver",
    "due",
    "enqueue",
    "forget_old",
    "notify_of_batch",
    "notify_of_job",
]
