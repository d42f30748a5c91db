"""The child process: receive one order, answer it and exit."""

from __future__ import annotations

import logging
import os
import socket
import time
from collections.abc import Collection
from typing import Any, NoReturn

from converter import engine
from converter.engine import raster

from . import confinement
from .answers import most_bytes
from .causes import out_of_memory
from .messages import receive, send
from .relay import Relay

logger = logging.getLogger(__name__)


def serve(fd: int, without: Collection[str]) -> NoReturn:
    """Answer the single order received over socket `fd` and exit; `without` is as in `confinement.close`."""
    code = 1
    try:
        line = socket.socket(fileno=fd)
        logging.getLogger("converter").addHandler(Relay(line))
        order, bodies = receive(line.makefile("rb"))
        limits = engine.Limits(**order["limits"])
        try:
            if "join" in order:
                confinement.close(limits, 1, without)
                send(line, {"joined": True}, raster.joined(bodies))
            else:
                _obey(line, order, bodies, limits, without)
        except Exception:
            logger.exception("Unhandled error in the sandbox child")
            raise
        code = 0
    finally:
        os._exit(code)  # closes the socket; the client can then ask for the exit status


def _obey(
    line: socket.socket,
    order: dict[str, Any],
    bodies: list[bytes],
    limits: engine.Limits,
    without: Collection[str],
) -> None:
    data, *images = bodies
    recipes = [engine.Recipe.parse(recipe) for recipe in order["recipes"]]
    confinement.close(limits, len(recipes) - order["first"], without)
    _answer(line, data, recipes, order["first"], limits, dict(zip(order["images"], images, strict=True)))


def _answer(
    line: socket.socket,
    data: bytes,
    recipes: list[engine.Recipe],
    first: int,
    limits: engine.Limits,
    images: dict[str, bytes],
) -> None:
    since = time.monotonic()
    try:
        source = raster.open(data, limits)
        send(line, {"facts": source.facts.to_dict()})
        source.load(recipes[first:])
    except (engine.EngineError, MemoryError) as exc:
        for index in range(first, len(recipes)):
            send(line, _refusal(index, exc, limits))
        return
    send(line, {"decoded": True})
    for index in range(first, len(recipes)):
        try:
            result = source.render(recipes[index], images, last=index == len(recipes) - 1)
            if len(result.data) > most_bytes(limits):
                raise MemoryError
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


def _refusal(index: int, exc: engine.EngineError | MemoryError, limits: engine.Limits) -> dict[str, Any]:
    error = out_of_memory(limits) if isinstance(exc, MemoryError) else exc
    return {"index": index, "code": error.code, "params": error.message.plain_params}
