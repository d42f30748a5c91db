"""The third twin: requests wait in PostgreSQL, and workers on any machine take them (Procrastinate).

`manage.py worker` does them. A request is gone when it was done, failed or lost; what must happen still stands in the jobs
and their leases, and the sweep asks again.
"""

from __future__ import annotations

import json
import logging
from typing import Any

from django.db import DatabaseError, connection, transaction
from procrastinate.contrib.django import app
from procrastinate.exceptions import AlreadyEnqueued, ConnectorException

from converter.dispatch import pool

logger = logging.getLogger(__name__)

TASK = "converter.act"
WORK = "work"
LANES = {"converter.events.dispatched.deliver": "waiting", "converter.events.dispatched.fetch": "fetch"}
"""The queues of what waits for machines of others, apart from conversions and from each other."""
MOST_BEFORE = 100  # of one turn, counted to find the next one's place

AHEAD = """
    SELECT count(*) FROM (
        SELECT 1 FROM procrastinate_jobs
        WHERE status IN ('todo', 'doing') AND queue_name = %s AND args ->> 'turn' = %s LIMIT %s
    ) AS waiting
"""


class QueueDispatch:
    def ask(self, target: str, event: dict[str, Any], turn: str = "") -> None:
        if pool.hand_on(target, event, turn):
            return
        queue, places = LANES.get(target, WORK), pool.WAITING.get(target)
        try:
            with transaction.atomic():
                ahead = _ahead(queue, turn)
                app.configure_task(
                    TASK,
                    queue=queue,
                    # The same request waits once, however often the sweep asks.
                    queueing_lock=f"{target} {json.dumps(event, sort_keys=True)}",
                    # By turns: what is first of somebody comes before what is second of somebody else.
                    priority=-ahead,
                    # Of those with the same lock one is done at a time.
                    lock=f"{target} {turn} {ahead % places.each}" if places else None,
                    allow_unknown=True,
                ).defer(target=target, event=event, turn=turn)
        except AlreadyEnqueued:
            return
        except (DatabaseError, ConnectorException):
            logger.exception(
                "The request was not queued; the sweep will ask again.", extra={"target": target}
            )


def _ahead(queue: str, turn: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute(AHEAD, [queue, turn, MOST_BEFORE])
        count: int = cursor.fetchone()[0]
    return count
