"""The error of an act that is not possible."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from converter.engine import Problem
from converter.engine.messages import Message


class CodedError(Exception):
    """A message with its code and parameters; `errors` say where in the input it is wrong."""

    default_code: ClassVar[str]

    def __init__(self, code: str = "", /, *, errors: Sequence[Problem] = (), **params: Any) -> None:
        self.message = Message(code or self.default_code, params)
        self.errors = list(errors)
        super().__init__(self.message.text)

    @property
    def code(self) -> str:
        return self.message.code
