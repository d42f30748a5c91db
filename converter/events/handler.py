"""What every call by Lambda needs: a name for its log lines, and no TypeError."""

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
    """Make `act(event, context)` callable by Lambda; at home the context is None."""

    @wraps(act)
    def handle(event: dict[str, Any], context: object) -> None:
        note_start(context)
        try:
            act(event, context)
        except StillRunning:
            # Lambda sends the event again until the lease of a worker that was killed is over. At home the sweep does.
            if context is not None:
                raise
        except TypeError as exc:
            # After a TypeError Zappa calls again with fewer arguments, and the error itself is lost.
            raise RuntimeError(f"{act.__name__} failed: {exc}") from exc
        finally:
            clear_context_keys()

    return handle


def note_start(context: object) -> None:
    """Add the invocation to all log lines from here on, and count a cold start."""
    global _is_cold
    request_id: Any = getattr(context, "aws_request_id", None)
    if request_id is None:
        return
    keys: dict[str, Any] = {"request_id": request_id, "cold_start": _is_cold}
    set_context_keys(**keys)
    if _is_cold:
        metrics.emit(ColdStarts=1)
    _is_cold = False
