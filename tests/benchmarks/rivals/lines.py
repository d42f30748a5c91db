"""The loop of a Python worker: read a line of JSON, convert, write a line of JSON. It has no dependencies."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any


class Unable(Exception):
    """The measured program does not support the request; the message says why."""


Convert = Callable[[bytes, dict[str, Any]], bytes]


def serve(convert: Convert) -> None:
    """Respond to each request with the CPU seconds and bytes of the result, or the reason it failed."""
    for line in sys.stdin:
        order = json.loads(line)
        data = Path(order["source"]).read_bytes()
        start = time.process_time()
        try:
            for _ in range(order.get("times", 1)):
                made = convert(data, order)
        except Unable as exc:
            answer: dict[str, Any] = {"unable": str(exc)}
        else:
            answer = {"seconds": time.process_time() - start, "bytes": len(made)}
            if order.get("out"):
                Path(order["out"]).write_bytes(made)
        print(json.dumps(answer), flush=True)
