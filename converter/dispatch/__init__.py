"""How work is started: by a pool of processes (home) or by invoking the worker function (cloud).

A request names its target by dotted path and carries a small event, as Zappa's do, so this room imports no event code.
It is a hint, not a record: what must happen is in the database, and the sweep asks again.
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

        Tasks that have to wait take turns: `turn` names the user, or the receiver, a task is for.
        """


def current() -> Dispatch:
    return _made(settings.CONVERTER_DISPATCH)


def ask(target: str, event: Event, turn: str = "") -> None:
    current().ask(target, event, turn)


@cache
def _made(path: str) -> Dispatch:
    made: Dispatch = import_string(path)()
    return made
