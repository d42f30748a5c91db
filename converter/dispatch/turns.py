"""A round-robin queue: each user or receiver gets a fair share, no matter how many tasks others have."""

from __future__ import annotations

from collections import Counter, OrderedDict, deque
from typing import Generic, TypeVar

Item = TypeVar("Item")


class Turns(Generic[Item]):
    """Waiting items grouped by turn. Not thread-safe: the caller must hold a lock.

    At most `at_once` items run at a time, and at most `each` of one turn. Another `spare` may run for turns
    that have none running, so that one that occupies every place does not block the others.
    """

    def __init__(self, at_once: int, *, each: int | None = None, spare: int = 0) -> None:
        self._at_once, self._each, self._spare = at_once, each or at_once, spare
        self._waiting: OrderedDict[str, deque[Item]] = OrderedDict()
        self._known: set[str] = set()
        self._out: Counter[str] = Counter()

    def add(self, turn: str, item: Item) -> None:
        """Add an item to the queue, unless it is already waiting."""
        name = repr(item)
        if name not in self._known:
            self._known.add(name)
            self._waiting.setdefault(turn, deque()).append(item)

    def take(self) -> tuple[str, Item] | None:
        """Return the next turn and item, or None if none is waiting or none may start."""
        turn = next(filter(self._may_go, self._waiting), None)
        if turn is None:
            return None
        item = self._waiting[turn].popleft()
        self._waiting.move_to_end(turn)
        if not self._waiting[turn]:
            del self._waiting[turn]
        self._known.discard(repr(item))
        self._out[turn] += 1
        return turn, item

    def done(self, turn: str) -> None:
        """Note that an item of this turn has finished."""
        self._out[turn] -= 1
        if not self._out[turn]:
            del self._out[turn]

    def _may_go(self, turn: str) -> bool:
        out, ours = self._out.total(), self._out[turn]
        if out < self._at_once:
            return ours < self._each
        return not ours and out < self._at_once + self._spare
