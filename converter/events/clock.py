"""The clock. Called by Zappa's schedule, and at home by a thread of the server."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Any

from django.contrib.sessions.backends.db import SessionStore
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
    """End what waited too long, ask again for what was forgotten, delete what has expired, sessions too."""
    with fresh_connections():
        counts = jobs.sweep.sweep()
        old = IdempotencyKey.objects.filter(created_at__lt=timezone.now() - REPEATABLE_FOR)
        forgotten, _ = old.delete()
        Usage.objects.filter(hour__lt=timezone.now() - USAGE_COUNTS_FOR).delete()
        RateLimit.objects.filter(caught_up_at__lt=timezone.now().timestamp() - 3600).delete()
        SessionStore.clear_expired()
    if any(counts.values()) or forgotten:
        logger.info("Swept", extra={**counts, "idempotency_keys": forgotten})
