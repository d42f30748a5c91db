"""A selection of pages or frames, such as `1-3,7` or `5-`, counted from 1."""

from __future__ import annotations

_NUMBER = "[1-9][0-9]{0,4}"
_RUN = f"{_NUMBER}(-({_NUMBER})?)?"
PATTERN = f"^{_RUN}(, ?{_RUN})*$"
LONGEST = 100  # characters

Run = tuple[int, float]


def is_backwards(selection: str) -> bool:
    """Return whether a range ends before it begins."""
    return any(last < first for first, last in _runs(selection))


def tidied(selection: str) -> str | None:
    """Return the shortest selection of the same pages, sorted, or None if it selects all pages.

    >>> tidied("7, 1-2,3"), tidied("2-9,5-"), tidied("1-")
    ('1-3,7', '2-', None)
    """
    merged: list[Run] = []
    for first, last in sorted(_runs(selection)):
        if merged and first <= merged[-1][1] + 1:
            merged[-1] = (merged[-1][0], max(last, merged[-1][1]))
        else:
            merged.append((first, last))
    said = ",".join(map(_said, merged))
    return None if said == "1-" else said


def selected(selection: str | None, count: int) -> list[int]:
    """Return the indices of the selected pages that exist in a file with `count` pages.

    >>> selected("2-3,9", 5), selected("4-", 5), selected(None, 2), selected("6", 5)
    ([1, 2], [3, 4], [0, 1], [])
    """
    runs = _runs(selection or "1-")
    return [number for number in range(count) if any(first <= number + 1 <= last for first, last in runs)]


def _runs(selection: str) -> list[Run]:
    """Return the first and last number of each range. The last number of an open range is infinity."""
    runs: list[Run] = []
    for part in selection.split(","):
        first, dash, last = part.strip().partition("-")
        runs.append((int(first), int(last) if last else float("inf") if dash else int(first)))
    return runs


def _said(run: Run) -> str:
    first, last = run
    if last == first:
        return f"{first}"
    return f"{first}-" if last == float("inf") else f"{first}-{last}"
