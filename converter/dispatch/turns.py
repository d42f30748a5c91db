"""Whose turn it is: those who wait are served in turn, however much one of them asks for."""

from __future__ import annotations

from collections import Counter, OrderedDict, deque
from typing import Generic, TypeVar

Item = TypeVar("Item")


class Turns(Generic[Item]):
    """Items that wait, by the one they are for. Not safe for threads: its user has a lock.

    At most `at_once` of them are out at a time, of one at most `each`. Beyond these, `spare` are for those of whom
    nothing is out: one who holds every place keeps nobody else waiting.
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
        """Return the next item and whose it is; None if none is waiting or none may start."""
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
        """Note that one of their items has finished."""
        self._out[turn] -= 1
        if not self._out[turn]:
            del self._out[turn]

    def _may_go(self, turn: str) -> bool:
        out, ours = self._out.total(), self._out[turn]
        if out < self._at_once:
            return ours < self._each
        return not ours and out < self._at_once + self._spare
