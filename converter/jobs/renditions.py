"""Requests for ZIPs and previews: each is made by one worker at a time and fails after three attempts.

For a minute after it failed, a request gets the reason; after that it starts the work again.
"""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from typing import Any

from django.db.models import F, Q
from django.utils import timezone

from converter.engine import Message
from converter.jobs.errors import NotMade
from converter.jobs.tasks import enqueue
from converter.models import Rendition
from converter.models.jobs import LONGEST_LEASE
from converter.storage import NoRoom

ASK_AGAIN = timedelta(minutes=1)
LEASE = timedelta(minutes=2)
MAX_ATTEMPTS = 3
DEADLINE = timedelta(hours=1)
LEAST_ASKS = 10  # before it fails, since the clock may have been changed
FORGOTTEN = timedelta(days=1)


def ask(subject: str, act: str, owner_id: uuid.UUID, **ids: uuid.UUID) -> None:
    """Enqueue it unless a worker has it. Raises NotMade if it failed recently or has waited too long."""
    now = timezone.now()
    row, is_new = Rendition.objects.get_or_create(subject=subject, defaults={"since": now, "asked_at": now})
    is_recent = abs(now - row.asked_at) <= ASK_AGAIN  # abs, since the clock may have been set back
    if row.error_code and is_recent:
        raise NotMade(row.error_code, **(row.error_params or {}))
    if not is_new and (is_recent or row.is_worked_on(now)):
        return
    if not row.error_code and (message := _overdue(row, now)):
        give_up(subject, message)
        raise NotMade(message.code, **message.params)
    if row.error_code:
        again: dict[str, Any] = {
            "since": now,
            "asks": 0,
            "attempts": 0,
            "error_code": "",
            "error_params": None,
        }
    else:
        again = {} if is_new else {"asks": F("asks") + 1}
    Rendition.objects.filter(pk=subject).update(asked_at=now, **again)
    enqueue(act, owner_id, **ids)


def claim(subject: str) -> bool:
    """Lease it for a worker; return False if another worker has it, or it failed or is done."""
    now = timezone.now()
    free = Q(working_until=None) | Q(working_until__lt=now) | Q(working_until__gt=now + LONGEST_LEASE)
    claimed = Rendition.objects.filter(free, pk=subject, error_code="").update(
        working_until=now + LEASE, attempts=F("attempts") + 1
    )
    return claimed == 1


def renew(subject: str) -> None:
    """Extend the lease to LEASE from now."""
    Rendition.objects.filter(pk=subject).update(working_until=timezone.now() + LEASE)


def let_go(subject: str, exc: Exception) -> None:
    """Note a failed attempt. If the storage is full or this was the last attempt, the rendition fails."""
    if isinstance(exc, NoRoom):
        give_up(subject, Message("no_room"))
    elif Rendition.objects.filter(pk=subject, attempts__gte=MAX_ATTEMPTS).exists():
        give_up(subject, Message("not_made"))
    else:
        Rendition.objects.filter(pk=subject).update(working_until=None)


def give_up(subject: str, message: Message) -> None:
    """Mark it as failed; `ask` raises the message as NotMade for a while."""
    Rendition.objects.filter(pk=subject).update(
        working_until=None,
        asked_at=timezone.now(),
        error_code=message.code,
        error_params=message.plain_params,
    )


def done(subject: str) -> None:
    """Delete the request, which has been fulfilled."""
    Rendition.objects.filter(pk=subject).delete()


def forget_renditions(now: datetime) -> int:
    """Delete requests not repeated for a day; return how many. Their files are deleted with the batch."""
    return Rendition.objects.filter(asked_at__lt=now - FORGOTTEN).delete()[0]


def _overdue(row: Rendition, now: datetime) -> Message | None:
    if row.attempts >= MAX_ATTEMPTS:
        return Message("not_made")  # every worker died before it could give a reason
    if row.since < now - DEADLINE and row.asks >= LEAST_ASKS:
        return Message("queue_timed_out")
    return None
