"""Fakes that tests can inspect."""

from __future__ import annotations

from typing import Any

from django.utils.module_loading import import_string


class RecordingDispatch:
    """Keeps what was asked for until a test says `work()`: then does it, in order, in this process."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, dict[str, Any]]] = []

    def ask(self, target: str, event: dict[str, Any], turn: str = "") -> None:
        self.asked.append((target, event))

    def work(self) -> int:
        done = 0
        while self.asked:
            target, event = self.asked.pop(0)
            import_string(target)(event, None)
            done += 1
        return done
