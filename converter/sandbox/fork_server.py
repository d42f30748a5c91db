"""The process that children are forked from. It loads everything once and holds no secrets."""

from __future__ import annotations

import codecs
import gc
import json
import os
import select
import signal
import socket
import sys
from collections.abc import Mapping
from typing import NamedTuple, NoReturn

from PIL import Image

from converter import engine
from converter.engine import raster

from . import confinement, kernel, last_words
from .child import serve
from .messages import send

_REHEARSAL = (  # the most common recipes, as JSON text so that parsing is rehearsed too
    '{"format": "jpeg", "quality": 75, "background": "#eeeeee", "frames": "first", "resize": {"width": 1, "height": 1}}',
    '{"format": "webp", "quality": 80}',
)
# In metadata.
_ENCODINGS = ("ascii", "latin-1", "cp1252", "utf-8-sig", "utf-16-le", "utf-16-be", "utf-16", "utf-32")


def run(fd: int) -> NoReturn:
    """Serve the worker at the other end of `fd` until it closes the socket."""
    confinement.hide()
    without = confinement.missing()
    photo = _warm_up()
    gc.freeze()  # children share these memory pages; a collection would copy them
    os.dup2(sys.stdout.fileno(), sys.stderr.fileno())  # keeps what decoders print out of the log
    with socket.socket(fileno=fd) as control:
        send(control, {"missing": without})
        _Server(control, photo, without).serve()
    os._exit(0)


class _Child(NamedTuple):
    pid: int
    door: socket.socket
    """Passes the child the socket for its order; reads as closed once the child has ended."""
    words: int
    """The read end of its stderr."""

    def took_order(self) -> bool:
        try:
            return self.door.recv(1) != b""
        except ConnectionError:
            return False

    def end(self) -> tuple[int, bool]:
        """Kill the child and everything it started.

        Return its wait status and whether its stderr says that memory ran out.
        """
        self.door.close()
        for kill in (os.killpg, os.kill):
            try:
                kill(self.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        _, status = os.waitpid(self.pid, 0)
        return status, last_words.tell_of_no_memory(self.words)


class _Server:
    """Keep one child, either waiting or working. The worker sends one-byte commands:

    f, with a socket: have a child answer the order on it; kill a child that is still working
    e: kill a child that is still working
    w: the same, then reply with its wait status in four bytes and, in a fifth, whether memory ran out
    """

    def __init__(self, control: socket.socket, photo: bytes, without: Mapping[str, str]) -> None:
        self._control = control
        self._photo = photo
        self._without = without
        self._child = self._spawn()  # forked in advance, so that the file need not wait
        self._line: int | None = None  # passed to the child, not yet received
        self._again = False  # whether this is the second attempt
        self._at_work = False
        self._ended = (0, False)

    def serve(self) -> None:
        while message := self._next():
            word, lines = message
            if self._at_work:
                self._replace()
            if word == b"f" and lines:
                self._hand_over(lines[0])
            if word == b"w":
                status, out_of_memory = self._ended
                self._control.sendall(status.to_bytes(4, "big") + bytes((out_of_memory,)))
        self._child.end()

    def _next(self) -> tuple[bytes, list[int]] | None:
        """Return the worker's next command, watching the child meanwhile; None if the worker has gone."""
        while self._at_work:
            ready, _, _ = select.select([self._control, self._child.door], [], [])
            if self._control in ready:
                break
            self._see_to_child()
        word, lines, _, _ = socket.recv_fds(self._control, 1, 1)
        return (word, lines) if word else None

    def _see_to_child(self) -> None:
        took = self._child.took_order()
        line, self._line = self._line, None
        if line is None:
            self._replace()  # it has ended, or sent something unexpected
        elif took:
            os.close(line)
        else:  # killed from outside while it waited, so the file is not the cause
            self._replace()
            if not self._again:
                self._hand_over(line, again=True)
                return
            os.close(line)

    def _hand_over(self, line: int, again: bool = False) -> None:
        try:
            socket.send_fds(self._child.door, [b"f"], [line])
        except ConnectionError:
            pass  # it has ended; its door will report that
        self._line, self._again, self._at_work = line, again, True

    def _replace(self) -> None:
        self._ended = self._child.end()
        if self._line is not None:
            os.close(self._line)
        self._line, self._at_work = None, False
        self._child = self._spawn()

    def _spawn(self) -> _Child:
        ours, theirs = socket.socketpair()
        reader, writer = last_words.pipe()
        with theirs:
            pid = os.fork()
            if not pid:
                self._control.close()
                ours.close()
                os.close(reader)
                self._be_child(theirs, writer)
        os.close(writer)
        return _Child(pid, ours, reader)

    def _be_child(self, door: socket.socket, words: int) -> NoReturn:
        try:
            last_words.catch(words)
            kernel.exit_at_once()
            confinement.enter(self._without)
            _rehearse(self._photo)
            _, lines, _, _ = socket.recv_fds(door, 1, 1)
            if lines:
                door.send(b"t")
                serve(lines[0], self._without)
        finally:
            os._exit(1)


def _warm_up() -> bytes:
    """Load codecs, profiles and fonts for all children by converting sample images; return the first sample.

    Load everything that a child may ever need: it can open no files.
    """
    Image.init()  # all of Pillow's plugins, since one format may be embedded in another
    for name in _ENCODINGS:
        codecs.lookup(name)
    names = [format.name for format in engine.FORMATS.values() if format.encodes]
    recipes = [engine.Recipe.parse({"format": name, "watermark": {"text": "a"}}) for name in names]
    photo, *others = raster.samples()
    raster.convert(photo, *recipes)
    for other in others:
        raster.convert(other, recipes[0])
    return photo


def _rehearse(photo: bytes) -> None:
    """Touch the memory pages that every conversion writes to, so that they are copied in advance."""
    raster.convert(photo, *(engine.Recipe.parse(json.loads(text)) for text in _REHEARSAL))
