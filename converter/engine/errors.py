"""What can go wrong, in one tree. Every exception that leaves the engine is one of these.

EngineError                     code, message: what is wrong and what to do
├── Fault                       engine_error          neither the file nor the options: ours, and logged
├── InvalidRecipe               invalid_recipe        the options; carries every problem at once
├── InvalidImage                                      the file, whatever is asked of it
│   ├── EmptyFile               empty_file
│   ├── NotAnImage              not_an_image
│   ├── UnsupportedFormat       unsupported_format    recognised, but not read here
│   ├── UnsupportedVariant      unsupported_variant   a format read here, in a kind that is not
│   ├── Truncated               truncated
│   └── Corrupt                 corrupt
├── LimitExceeded                                     the file is more than is allowed
│   ├── TooManyBytes            too_many_bytes
│   ├── TooManyPixels           too_many_pixels
│   └── TooManyFrames           too_many_frames
├── CannotProduce               cannot_produce        the options and this file together
│   ├── TooLargeForFormat       too_large_for_format
│   └── TargetUnreachable       target_unreachable
└── Stopped                                           raised around the engine, not by the file's content alone
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
    """One wrong option: a JSON pointer to it and what is wrong."""

    pointer: str
    message: Message

    def to_dict(self) -> dict[str, Any]:
        """Return the problem as programs read it."""
        return {
            "pointer": self.pointer,
            "code": self.message.code,
            "params": self.message.plain_params,
            "detail": self.message.text,
        }


class EngineError(Exception):
    """`params` fill the template of the code, in `messages`."""

    code: ClassVar[str] = "engine_error"

    def __init__(self, **params: Any) -> None:
        self.message = Message(self.code, params)
        super().__init__(self.message.text)

    @property
    def params(self) -> Mapping[str, Any]:
        return self.message.params

    def __reduce__(self) -> tuple[partial[Self], tuple[()]]:
        # Errors cross process borders; the default would rebuild this one from its text.
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
