"""How work is asked for: by a pool of processes (home) or by invoking the worker function (cloud).

A request names its target by dotted path and carries a small event, as Zappa's do, so this room imports no event
code. It is a hint, not a record: what must happen stands in the database, and the sweep asks again.
"""

from __future__ import annotations

from functools import cache
from typing import Any, Protocol

from django.conf import settings
from django.utils.module_loading import import_string

Event = dict[str, Any]


class Dispatch(Protocol):
    def ask(self, target: str, event: Event, turn: str = "") -> None:
        """Have `target(event, context)` called by a worker, soon and at least once as far as it lies with us.

        Where work has to wait, it is done by turns: `turn` names the user, or the receiver, that it is for.
        """


def current() -> Dispatch:
    return _made(settings.CONVERTER_DISPATCH)


def ask(target: str, event: Event, turn: str = "") -> None:
    current().ask(target, event, turn)


@cache
def _made(path: str) -> Dispatch:
    made: Dispatch = import_string(path)()
    return made
