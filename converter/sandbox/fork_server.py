"""The process that children are forked from: everything loaded once, nothing secret in it."""

from __future__ import annotations

import gc
import json
import mmap
import os
import socket
from typing import NoReturn

from converter import engine
from converter.engine import raster

from .child import serve

_REHEARSAL = (  # what a worker asks for most, as text: reading it is rehearsed too
    '{"format": "jpeg", "quality": 75, "background": "#eeeeee", "frames": "first", "resize": {"width": 1, "height": 1}}',
    '{"format": "webp", "quality": 80}',
)
_PICTURE = bytes.fromhex(  # a BMP of one pixel
    "424d3a000000000000003600000028000000010000000100000001001800000000000400000000000000000000000000000000000000ffffff00"
)


def run(fd: int) -> NoReturn:
    """Keep a child waiting for the next line that comes in; answer with its exit status."""
    photo = _warm_up()
    gc.freeze()  # children share these pages; a collection would copy them
    taken = mmap.mmap(-1, 1)  # shared with the children
    with socket.socket(fileno=fd) as control:
        while True:
            taken[0] = False
            child = os.fork()  # ahead of the file, which then need not wait for it
            if not child:
                _rehearse(photo)
                message, lines, _, _ = socket.recv_fds(control, 1, 1)
                control.close()
                if not message:
                    os._exit(0)
                taken[0] = True
                serve(lines[0])
            _, status = os.waitpid(child, 0)
            if taken[0]:
                control.sendall(status.to_bytes(4, "big"))
            elif not status:  # the worker is gone
                os._exit(0)


def _warm_up() -> bytes:
    """Load codecs, profiles and fonts once for all children, by converting a picture of our own; return it as JPEG."""
    made = {"bmp": _PICTURE}
    for name in ("tiff", "gif", "jpeg", "png", "avif", "webp", "jp2"):
        recipe = engine.Recipe.parse({"format": name, "watermark": {"text": "a"}})
        result = raster.convert(made[next(reversed(made))], recipe)[0]
        if isinstance(result, engine.Result):
            made[name] = result.data
    return made["jpeg"]


def _rehearse(photo: bytes) -> None:
    """Write to the pages of memory that any conversion writes to: a child has its own copy of each from then on."""
    raster.convert(photo, *(engine.Recipe.parse(json.loads(text)) for text in _REHEARSAL))
