"""Fakes that tests can inspect."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from django.utils.module_loading import import_string

from converter.engine import Limits, Recipe
from converter.sandbox import Answer, Refused

Render = Callable[..., Iterator[Answer]]


class RecordingDispatch:
    """A dispatch that records requests until a test calls `work()`, which runs them in this process, in order."""

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


def remembering(render: Render) -> Render:
    """Return a caching `Sandbox.render`, which starts no child process for a conversion it has already made.

    Refusals are not cached, since the machine may have caused them.
    """
    known: dict[Any, list[Answer]] = {}

    def answers(
        data: bytes,
        recipes: Sequence[Recipe],
        limits: Limits,
        images: Mapping[str, bytes] | None = None,
        wanted: Callable[[], bool] = lambda: True,
    ) -> Iterator[Answer]:
        order = (data, tuple(recipes), limits, tuple(sorted((images or {}).items())))
        if order in known:
            yield from copy.deepcopy(known[order])
            return
        made = []
        for answer in render(data, recipes, limits, images, wanted):
            made.append(copy.deepcopy(answer))
            yield answer
        if len(made) > len(recipes) and not any(isinstance(answer, Refused) for answer in made):
            known[order] = made

    return answers
