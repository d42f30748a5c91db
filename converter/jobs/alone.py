"""Acts that stand alone: one that fails holds up no other."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def each(act: Callable[[Item], Result], items: Iterable[Item]) -> list[Result]:
    """Do the act to every item and return the results; the first error is raised when all have had their turn."""
    results, errors = [], []
    for item in items:
        try:
            results.append(act(item))
        except Exception as exc:
            errors.append(exc)
    if errors:
        errors[0].add_note(f"{len(errors)} failed; {len(results)} did not.")
        raise errors[0]
    return results
