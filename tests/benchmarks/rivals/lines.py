"""The loop of a Python worker: a line of JSON in, the conversion, a line of JSON out. Needs nothing installed."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any


class Unable(Exception):
    """The program measured here cannot do this; the message says what."""


Convert = Callable[[bytes, dict[str, Any]], bytes]


def serve(convert: Convert) -> None:
    """Answer each order with the processor seconds it took, the bytes it gave, or why it cannot be done."""
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
