"""The third twin: requests wait in PostgreSQL (Procrastinate) for workers on any machine.

`manage.py worker` processes them. A request is removed when it is done, failed or lost; jobs and their leases
record what must be done, and the sweep makes the request again.
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
"""The queues of tasks that wait for other hosts, separate from conversions and from each other."""
MOST_BEFORE = 100  # tasks of one turn counted at most to find the next one's priority

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
                    # The same request is queued once, however often the sweep makes it.
                    queueing_lock=f"{target} {json.dumps(event, sort_keys=True)}",
                    # Round-robin: everybody's first task comes before anybody's second.
                    priority=-ahead,
                    # Tasks with the same lock run one at a time.
                    lock=f"{target} {turn} {ahead % places.each}" if places else None,
                    allow_unknown=True,
                ).defer(target=target, event=event, turn=turn)
        except AlreadyEnqueued:
            return
        except (DatabaseError, ConnectorException):
            logger.exception("Could not queue the task; the sweep will try again", extra={"target": target})


def _ahead(queue: str, turn: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute(AHEAD, [queue, turn, MOST_BEFORE])
        count: int = cursor.fetchone()[0]
    return count
