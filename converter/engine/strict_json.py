"""Read JSON from outside: one meaning only, and no text that a database or a page cannot hold."""

from __future__ import annotations

import json
import sys
from typing import Any


def loads(text: str) -> Any:
    """Return the value of a JSON text. Whole numbers are integers, however they are written.

    Raises ValueError if it is invalid, contains a name twice, or text with NUL or half a surrogate pair.
    """
    try:
        value = json.loads(
            text,
            parse_constant=_refuse,
            parse_int=_parse_int,
            parse_float=_parse_float,
            object_pairs_hook=_with_unique_names,
        )
        _check_text(value)
    except RecursionError as exc:
        raise ValueError("It is nested too deeply.") from exc
    return value


def integer_if_whole(number: float) -> int | float:
    """Return 80 for 80.0: JSON has one kind of number, and many programs write integers with a point."""
    return int(number) if number.is_integer() else number


def _check_text(value: Any) -> None:
    if isinstance(value, str):
        if "\0" in value:
            raise ValueError("It contains NUL.")
        value.encode()  # raises UnicodeEncodeError, a ValueError, for a lone surrogate
    elif isinstance(value, dict):
        for key, part in value.items():
            _check_text(key)
            _check_text(part)
    elif isinstance(value, list):
        for part in value:
            _check_text(part)


def _with_unique_names(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Reject repeated names: all values but the last would be silently ignored (RFC 8259, 4)."""
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("It contains a name twice.")
    return found


def _parse_int(digits: str) -> int | float:
    # int() refuses longer numbers. A float is accepted here and then rejected as too large.
    return int(digits) if len(digits) <= sys.int_info.default_max_str_digits else float(digits)


def _parse_float(text: str) -> int | float:
    return integer_if_whole(float(text))


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON.")
