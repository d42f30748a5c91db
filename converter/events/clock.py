"""Periodic work, called by Zappa's schedule, and at home by a thread of the server."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Any

from django.contrib.sessions.models import Session
from django.utils import timezone

from converter import jobs
from converter.events.connections import fresh_connections
from converter.events.handler import handler
from converter.models import IdempotencyKey, RateLimit, Usage

logger = logging.getLogger(__name__)

REPEATABLE_FOR = timedelta(hours=24)
USAGE_COUNTS_FOR = timedelta(hours=25)


@handler
def sweep(event: dict[str, Any], context: object) -> None:
    """Run the sweep, and delete old idempotency keys, usage, rate limits and sessions."""
    with fresh_connections():
        counts = jobs.sweep.sweep(
            {"idempotency_keys": _forget_keys, "usage": _forget_usage, "sessions": _forget_sessions}
        )
    if any(counts.values()):
        logger.info("Sweep finished", extra=counts)


def recover() -> None:
    """Resume the work of a server that was stopped or killed. Called before this one accepts requests."""
    jobs.recover()


def _forget_keys() -> int:
    return IdempotencyKey.objects.filter(created_at__lt=timezone.now() - REPEATABLE_FOR).delete()[0]


def _forget_usage() -> int:
    hours, _ = Usage.objects.filter(hour__lt=timezone.now() - USAGE_COUNTS_FOR).delete()
    limits, _ = RateLimit.objects.filter(caught_up_at__lt=timezone.now().timestamp() - 3600).delete()
    return hours + limits


def _forget_sessions() -> int:
    return Session.objects.filter(expire_date__lt=timezone.now()).delete()[0]
