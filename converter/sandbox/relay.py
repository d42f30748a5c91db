"""Forward errors that the engine logs in a child to the worker's log."""

from __future__ import annotations

import logging
import socket
import traceback
from pathlib import Path

from .messages import send

logger = logging.getLogger(__name__)

_MOST_LETTERS = 4_000  # the worker rejects longer texts
_INNERMOST = 6


class Relay(logging.Handler):
    """Send errors to the worker over the child's socket."""

    def __init__(self, line: socket.socket) -> None:
        super().__init__(logging.ERROR)
        self._line = line

    def emit(self, record: logging.LogRecord) -> None:
        exc = record.exc_info[1] if record.exc_info else None
        cause = _told(exc) if exc else ""
        send(self._line, {"log": record.getMessage()[:_MOST_LETTERS], "cause": cause[:_MOST_LETTERS]})


def to_log(text: str, cause: str) -> None:
    """Log an error that a child sent."""
    logger.error("Error in the sandbox: %s", text, extra={"cause": cause})


def _told(exc: BaseException) -> str:
    """Return the exception and where it was raised, without source lines: a child cannot open files."""
    frames = list(traceback.walk_tb(exc.__traceback__))[-_INNERMOST:]
    places = [
        f"{Path(frame.f_code.co_filename).name}:{line} {frame.f_code.co_name}" for frame, line in frames
    ]
    return f"{type(exc).__name__}: {exc} ({' > '.join(places)})"
