"""Libraries that may be missing or may fail on some processors. Each is tested once before it is used."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from functools import cached_property
from importlib import import_module
from typing import Generic, TypeVar

T = TypeVar("T")


class Unfit(Exception):
    """The library is missing or does not work on this machine; the message gives the reason."""


def linked_with(module: str) -> ctypes.CDLL:
    """Return a handle to a C module of Pillow, which also resolves symbols of the libraries that it is linked with.

    Raises ImportError and OSError.
    """
    return ctypes.CDLL(import_module(f"PIL.{module}").__file__)


class OptionalLibrary(Generic[T]):
    """A library that `attempt` loads and tests on first use. `attempt` raises Unfit if it cannot be used."""

    def __init__(self, attempt: Callable[[], T]) -> None:
        self._attempt = attempt

    def get(self) -> T:
        """Return the result of `attempt`. Raises Unfit."""
        if isinstance(self._found, Unfit):
            raise self._found
        return self._found

    def problem(self) -> str:
        """Return why the library cannot be used, or an empty string if it can."""
        return str(self._found) if isinstance(self._found, Unfit) else ""

    @cached_property
    def _found(self) -> T | Unfit:
        try:
            return self._attempt()
        except Unfit as exc:
            return exc
