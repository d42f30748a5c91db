"""Tasks for the workers in the pool tests."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

from converter.dispatch.pool import PoolDispatch


def note(event: dict[str, Any], context: object) -> None:
    """Write the process ID and the parent's process ID to a file."""
    Path(event["file"]).write_text(f"{os.getpid()} {os.getppid()}")


def ask_further(event: dict[str, Any], context: object) -> None:
    """Dispatch `note`, as a task with follow-up work does."""
    PoolDispatch().ask("tests.dispatch.tasks.note", event)


def break_down(event: dict[str, Any], context: object) -> None:
    raise ZeroDivisionError


def add_line(event: dict[str, Any], context: object) -> None:
    with Path(event["file"]).open("a") as file:
        file.write(event["line"] + "\n")


def die(event: dict[str, Any], context: object) -> None:
    """Exit abruptly, like a killed process."""
    os._exit(1)


def wait(event: dict[str, Any], context: object) -> None:
    """Add the line after the file `while` is removed, like a slow receiver that responds at last."""
    while "while" in event and Path(event["while"]).exists():
        time.sleep(0.01)
    add_line(event, context)


def begin_and_wait(event: dict[str, Any], context: object) -> None:
    """Write the process ID to the file `begun`, then wait."""
    Path(event["begun"]).write_text(str(os.getpid()))
    wait(event, context)
