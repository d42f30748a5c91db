"""One child: takes one order, answers it, and ends."""

from __future__ import annotations

import logging
import os
import signal
import socket
import time
from typing import Any, NoReturn

from converter import engine
from converter.engine import raster

from .causes import out_of_memory
from .confinement import confine
from .messages import receive, send
from .relay import Relay

logger = logging.getLogger(__name__)


def serve(fd: int) -> NoReturn:
    """Take one order, answer it, and end."""
    code = 1
    try:
        with socket.socket(fileno=fd) as line, line.makefile("rb") as orders:
            logging.getLogger("converter").addHandler(Relay(line))
            order, (data, *images) = receive(orders)
            try:
                _answer(line, order, data, dict(zip(order["images"], images, strict=True)))
            except Exception:
                logger.exception("The child broke down")
                raise
        code = 0
    finally:
        os._exit(code)


def _answer(line: socket.socket, order: dict[str, Any], data: bytes, images: dict[str, bytes]) -> None:
    limits = engine.Limits(**order["limits"])
    recipes = [engine.Recipe.parse(recipe) for recipe in order["recipes"]]
    first = order["first"]
    confine(limits, steps=len(recipes) - first)

    index, since = first, time.monotonic()
    try:
        source = raster.open(data, limits)
        send(line, {"facts": source.facts.to_dict()})
        source.load(recipes[first:])
    except (engine.EngineError, MemoryError) as exc:
        for index in range(first, len(recipes)):
            send(line, _refusal(index, exc, limits))
        send(line, {})
        return
    for index in range(first, len(recipes)):
        signal.alarm(int(limits.seconds))
        try:
            result = source.render(recipes[index], images)
        except (engine.EngineError, MemoryError) as exc:
            send(line, _refusal(index, exc, limits))
        else:
            now = time.monotonic()
            answer = {
                "index": index,
                "format": result.format,
                "mime": result.mime,
                "width": result.width,
                "height": result.height,
                "report": result.report.to_dict(),
                "milliseconds": round((now - since) * 1000),
            }
            send(line, answer, result.data)
        since = time.monotonic()
    send(line, {})


def _refusal(index: int, exc: engine.EngineError | MemoryError, limits: engine.Limits) -> dict[str, Any]:
    error = out_of_memory(limits) if isinstance(exc, MemoryError) else exc
    return {"index": index, "code": error.code, "message": str(error)}
