"""Wrap event handlers for Lambda: add the request ID to log lines, and never raise TypeError."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from aws_lambda_powertools.logging.formatter import clear_context_keys, set_context_keys

from converter import metrics
from converter.jobs import StillRunning

Act = Callable[[dict[str, Any], object], None]

_is_cold = True


def handler(act: Act) -> Act:
    """Make `act(event, context)` a Lambda handler; at home the context is None."""

    @wraps(act)
    def handle(event: dict[str, Any], context: object) -> None:
        note_start(context)
        try:
            act(event, context)
        except StillRunning:
            # Lambda then retries the event until a killed worker's lease has expired. At home the sweep does.
            if context is not None:
                raise
        except TypeError as exc:
            # On TypeError, Zappa calls again with fewer arguments and the error is lost.
            raise RuntimeError(f"{act.__name__} failed: {exc}") from exc
        finally:
            clear_context_keys()

    return handle


def note_start(context: object) -> None:
    """Add the request ID to all further log lines, and count a cold start."""
    global _is_cold
    request_id: Any = getattr(context, "aws_request_id", None)
    if request_id is None:
        return
    keys: dict[str, Any] = {"request_id": request_id, "cold_start": _is_cold}
    set_context_keys(**keys)
    if _is_cold:
        metrics.emit(ColdStarts=1)
    _is_cold = False
