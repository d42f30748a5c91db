"""What the sandbox answers: what was found, and one answer for each output."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, BinaryIO

from .messages import receive
from .relay import to_log


@dataclass(frozen=True)
class Probed:
    """The source could be opened; `facts` as of `raster.Facts.to_dict`."""

    facts: dict[str, Any]


@dataclass(frozen=True)
class Rendered:
    """Output `index` is made. `milliseconds` are the engine's own; the first one's include the decoding."""

    index: int
    data: bytes
    format: str
    mime: str
    width: int
    height: int
    report: dict[str, Any]
    milliseconds: int


@dataclass(frozen=True)
class Refused:
    """Output `index` cannot be made. The fault lies with the image or the recipe: a repeat would end the same."""

    index: int
    code: str
    message: str


Answer = Probed | Rendered | Refused


def receive_answer(file: BinaryIO) -> Answer | None:
    message, bodies = receive(file)
    while "log" in message:
        to_log(message)
        message, bodies = receive(file)
    if not message:
        return None
    if "facts" in message:
        return Probed(message["facts"])
    if "code" in message:
        return Refused(**message)
    return Rendered(data=bodies[0], **message)
