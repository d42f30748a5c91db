"""The exceptions of the engine. Every exception that leaves it is one of these.

EngineError                     code, message: what is wrong and what to do
├── Fault                       engine_error          a bug in the engine, which is logged
├── InvalidRecipe               invalid_recipe        wrong options; lists all problems
├── InvalidImage                                      a file that no options can convert
│   ├── EmptyFile               empty_file
│   ├── NotAnImage              not_an_image
│   ├── UnsupportedFormat       unsupported_format    recognised, but not supported
│   ├── UnsupportedVariant      unsupported_variant   an unsupported variant of a supported format
│   ├── Truncated               truncated
│   └── Corrupt                 corrupt
├── LimitExceeded                                     the file exceeds a limit
│   ├── TooManyBytes            too_many_bytes
│   ├── TooManyPixels           too_many_pixels
│   └── TooManyFrames           too_many_frames
├── CannotProduce               cannot_produce        these options do not work with this file
│   ├── TooLargeForFormat       too_large_for_format
│   └── TargetUnreachable       target_unreachable
└── Stopped                                           the process was stopped or ran out of resources
    ├── OutOfMemory             out_of_memory
    ├── TimedOut                timed_out
    └── Crashed                 crashed
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar, Self

from .messages import Message


@dataclass(frozen=True)
class Problem:
    """One invalid option: a JSON pointer to it, and a message."""

    pointer: str
    message: Message

    def to_dict(self) -> dict[str, Any]:
        """Return the problem as JSON for clients."""
        return {
            "pointer": self.pointer,
            "code": self.message.code,
            "params": self.message.plain_params,
            "detail": self.message.text,
        }


class EngineError(Exception):
    """The base class. `params` fill the message template of the code."""

    code: ClassVar[str] = "engine_error"

    def __init__(self, **params: Any) -> None:
        self.message = Message(self.code, params)
        super().__init__(self.message.text)

    @property
    def params(self) -> Mapping[str, Any]:
        return self.message.params

    def __reduce__(self) -> tuple[partial[Self], tuple[()]]:
        # Errors are pickled between processes. The default would pass the text to __init__.
        return partial(type(self), **self.params), ()


class Fault(EngineError):
    pass


class InvalidRecipe(EngineError):
    code = "invalid_recipe"

    def __init__(self, errors: Sequence[Problem]) -> None:
        self.errors = list(errors)
        super().__init__(problems=[error.message for error in self.errors])

    def __reduce__(self) -> tuple[partial[Self], tuple[()]]:
        return partial(type(self), self.errors), ()


class InvalidImage(EngineError):
    pass


class EmptyFile(InvalidImage):
    code = "empty_file"


class NotAnImage(InvalidImage):
    code = "not_an_image"


class UnsupportedFormat(InvalidImage):
    code = "unsupported_format"


class UnsupportedVariant(InvalidImage):
    code = "unsupported_variant"


class Truncated(InvalidImage):
    code = "truncated"


class Corrupt(InvalidImage):
    code = "corrupt"


class LimitExceeded(EngineError):
    pass


class TooManyBytes(LimitExceeded):
    code = "too_many_bytes"


class TooManyPixels(LimitExceeded):
    code = "too_many_pixels"


class TooManyFrames(LimitExceeded):
    code = "too_many_frames"


class CannotProduce(EngineError):
    code = "cannot_produce"


class TooLargeForFormat(CannotProduce):
    code = "too_large_for_format"


class TargetUnreachable(CannotProduce):
    code = "target_unreachable"


class NoSuchPage(CannotProduce):
    code = "no_such_page"


class Stopped(EngineError):
    pass


class OutOfMemory(Stopped):
    code = "out_of_memory"


class TimedOut(Stopped):
    code = "timed_out"


class Crashed(Stopped):
    code = "crashed"
