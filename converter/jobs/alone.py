"""Run independent actions: if one fails, the others still run."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def each(act: Callable[[Item], Result], items: Iterable[Item]) -> list[Result]:
    """Call `act` for every item and return the results; raise the first error after all have run."""
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
