"""Start work in a pool of processes (home), through a PostgreSQL queue, or by Lambda invocation (cloud).

A request names its target by dotted path and carries a small event, as in Zappa, so this package imports no
event code. A request may be lost: the database records what must be done, and the sweep makes the request
again.
"""

from __future__ import annotations

from functools import cache
from typing import Any, Protocol

from django.conf import settings
from django.utils.module_loading import import_string

Event = dict[str, Any]


class Dispatch(Protocol):
    def ask(self, target: str, event: Event, turn: str = "") -> None:
        """Have a worker call `target(event, context)` soon, and at least once as far as possible.

        Waiting tasks are served round-robin by `turn`: the user or receiver that a task is for.
        """


def current() -> Dispatch:
    return _made(settings.CONVERTER_DISPATCH)


def ask(target: str, event: Event, turn: str = "") -> None:
    current().ask(target, event, turn)


@cache
def _made(path: str) -> Dispatch:
    made: Dispatch = import_string(path)()
    return made
