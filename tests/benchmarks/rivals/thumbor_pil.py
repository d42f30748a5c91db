"""thumbor's Pillow engine, called as by its server after loading a file."""

from __future__ import annotations

import logging
from types import SimpleNamespace
from typing import Any

from lines import Unable, serve
from thumbor.config import Config
from thumbor.engines.pil import Engine

logging.disable(logging.CRITICAL)
CONTEXT = SimpleNamespace(config=Config(MAX_PIXELS=200_000_000))
EXTENSIONS = {"jpeg": ".jpg", "png": ".png", "webp": ".webp", "avif": ".avif", "gif": ".gif"}


def convert(data: bytes, order: dict[str, Any]) -> bytes:
    if order["format"] not in EXTENSIONS:
        raise Unable("it does not write this format")
    if order["animated"]:
        raise Unable("its animation in WebP plays every frame for no time")
    engine = Engine(CONTEXT)
    engine.load(data, None)
    engine.reorientate()
    if order["width"]:
        width, height = engine.size
        engine.resize(order["width"], round(height * order["width"] / width))
    made: bytes = engine.read(EXTENSIONS[order["format"]], order["quality"])
    return made


serve(convert)
