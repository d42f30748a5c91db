"""The base class of errors for actions that are not possible."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from converter.engine import Problem
from converter.engine.messages import Message


class CodedError(Exception):
    """An error with a message (code and parameters); `errors` say where the input is wrong."""

    default_code: ClassVar[str]

    def __init__(self, code: str = "", /, *, errors: Sequence[Problem] = (), **params: Any) -> None:
        self.message = Message(code or self.default_code, params)
        self.errors = list(errors)
        super().__init__(self.message.text)

    @property
    def code(self) -> str:
        return self.message.code
