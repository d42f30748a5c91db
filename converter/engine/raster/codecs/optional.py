"""Libraries that may be missing or wrong on a processor: each is tried once, before it is trusted."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Generic, TypeVar

T = TypeVar("T")


class Unfit(Exception):
    """The library is not here, or does not work here; the text says which."""


class OptionalLibrary(Generic[T]):
    """What `attempt` returns when it is first asked for; it raises Unfit for a library that should not be used."""

    def __init__(self, attempt: Callable[[], T]) -> None:
        self._attempt = attempt

    def get(self) -> T:
        """Raises Unfit."""
        if isinstance(self._found, Unfit):
            raise self._found
        return self._found

    def problem(self) -> str:
        """Return why it cannot be used; empty when it can."""
        return str(self._found) if isinstance(self._found, Unfit) else ""

    @cached_property
    def _found(self) -> T | Unfit:
        try:
            return self._attempt()
        except Unfit as exc:
            return exc
