"""What the workers of a pool are told to do in its tests."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

from converter.dispatch.pool import PoolDispatch


def note(event: dict[str, Any], context: object) -> None:
    """Leave a file that says which process did it, and whose child that is."""
    Path(event["file"]).write_text(f"{os.getpid()} {os.getppid()}")


def ask_further(event: dict[str, Any], context: object) -> None:
    """Ask for a note, as an act does that has more to be done in turn."""
    PoolDispatch().ask("tests.dispatch.tasks.note", event)


def break_down(event: dict[str, Any], context: object) -> None:
    raise ZeroDivisionError


def add_line(event: dict[str, Any], context: object) -> None:
    with Path(event["file"]).open("a") as file:
        file.write(event["line"] + "\n")


def die(event: dict[str, Any], context: object) -> None:
    """End as a process does that is killed from outside."""
    os._exit(1)


def wait(event: dict[str, Any], context: object) -> None:
    """Add the line once the file `while` is gone, as a slow receiver answers in the end."""
    while "while" in event and Path(event["while"]).exists():
        time.sleep(0.01)
    add_line(event, context)


def begin_and_wait(event: dict[str, Any], context: object) -> None:
    """Say which process began, and wait."""
    Path(event["begun"]).write_text(str(os.getpid()))
    wait(event, context)
