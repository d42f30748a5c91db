"""Runs the engine where a hostile file can hurt nothing else.

    worker ──starts──> nursery (a bare interpreter: engine loaded, no Django, no environment, no secrets)
                          └──forks──> one child a file, with hard limits

The nursery costs one start, and keeps one child waiting, so that no file waits for a fork, nor for the pages of memory
that a fork copies when they are first written to. The child may use so much memory and time, may write no file, and
speaks to the worker over a socket alone. Whatever happens to it, the worker knows which output was in work, fails that
one with a reason, and goes on with the rest in a new child.
Only fork, sockets and signals are used: Lambda has no /dev/shm for multiprocessing's queues and locks.
"""

from __future__ import annotations

import gc
import json
import mmap
import os
import resource
import signal
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, BinaryIO, NoReturn

from converter import engine
from converter.engine import errors

_LENGTH = struct.Struct(">I")  # of a message's JSON
_START = "import sys; sys.path[:] = {path!r}; from converter import sandbox; sandbox._nursery({fd})"
# Large pages: a child that touches 100 MB for the first time does so in a tenth of the steps.
_ENVIRONMENT = {"LC_ALL": "C.UTF-8", "GLIBC_TUNABLES": "glibc.malloc.hugetlb=1"}
_GRACE = 5  # seconds that the worker waits beyond the child's own alarm
_OPEN_FILES = 32
_REHEARSAL = (  # what a worker asks for most, as text: reading it is rehearsed too
    '{"format": "jpeg", "quality": 75, "background": "#eeeeee", "frames": "first", "resize": {"width": 1, "height": 1}}',
    '{"format": "webp", "quality": 80}',
)
_PICTURE = bytes.fromhex(  # a BMP of one pixel
    "424d3a000000000000003600000028000000010000000100000001001800000000000400000000000000000000000000000000000000ffffff00"
)


@dataclass(frozen=True)
class Probed:
    """The source could be opened; `facts` as of `engine.Facts.to_dict`."""

    facts: dict[str, Any]


@dataclass(frozen=True)
class Rendered:
    """Output `index` is made. `milliseconds` are the engine's own; the first one's include the decoding."""

    index: int
    data: bytes
    format: str
    mime: str
    width: int
    height: int
    report: dict[str, Any]
    milliseconds: int


@dataclass(frozen=True)
class Refused:
    """Output `index` cannot be made. The fault lies with the image or the recipe: a repeat would end the same."""

    index: int
    code: str
    message: str


Answer = Probed | Rendered | Refused


class Sandbox:
    """One nursery and its children; one file at a time."""

    def __init__(self) -> None:
        self._nursery: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None
        self._owed = False  # whether the nursery has still to say how the last child ended

    def render(
        self,
        data: bytes,
        recipes: Sequence[engine.Recipe],
        limits: engine.Limits,
        images: Mapping[str, bytes] | None = None,
    ) -> Iterator[Answer]:
        """Yield what was found and then, in order, one answer for each recipe."""
        done = 0
        while done < len(recipes):
            again = done > 0
            for answer in self._child(data, recipes, done, limits, images or {}):
                if not isinstance(answer, Probed):
                    done = answer.index + 1
                    yield answer
                elif not again:
                    yield answer

    def close(self) -> None:
        if self._nursery is None or self._control is None:
            return
        self._control.close()
        try:
            os.killpg(self._nursery.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self._nursery.wait()
        self._nursery = self._control = None
        self._owed = False

    def _child(
        self,
        data: bytes,
        recipes: Sequence[engine.Recipe],
        first: int,
        limits: engine.Limits,
        images: Mapping[str, bytes],
    ) -> Iterator[Answer]:
        """Yield the answers from `first` on, as far as one child comes; at least one."""
        in_work = first
        line = self._fork()
        try:
            line.settimeout(limits.seconds + _GRACE)
            order = {
                "recipes": [recipe.canonical() for recipe in recipes],
                "first": first,
                "limits": asdict(limits),
                "images": list(images),
            }
            _send(line, order, data, *images.values())
            with line.makefile("rb") as answers:
                while answer := _receive_answer(answers):
                    if not isinstance(answer, Probed):
                        in_work = answer.index + 1
                    yield answer
            return
        except (ConnectionError, EOFError):
            pass
        except TimeoutError:
            self.close()
        finally:
            line.close()
        cause = self._cause_of_death(limits)
        yield Refused(in_work, cause.code, str(cause))

    def _fork(self) -> socket.socket:
        """Return our end of the line to a new child."""
        if self._owed:
            self._exit_status()
        ours, theirs = socket.socketpair()
        with theirs:
            for attempt in (1, 2):
                control = self._control or self._open()
                try:
                    socket.send_fds(control, [b"f"], [theirs.fileno()])
                    self._owed = True
                    break
                except ConnectionError:  # the nursery was killed from outside: start another one, once
                    self.close()
                    if attempt == 2:
                        raise
        return ours

    def _open(self) -> socket.socket:
        self._control, theirs = socket.socketpair()
        with theirs:
            self._nursery = subprocess.Popen(  # noqa: S603 - our own interpreter with our own words
                [sys.executable, "-I", "-c", _START.format(path=sys.path, fd=theirs.fileno())],
                pass_fds=[theirs.fileno()],
                env=_ENVIRONMENT,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
        return self._control

    def _cause_of_death(self, limits: engine.Limits) -> engine.EngineError:
        if self._control is None:
            return _timed_out(limits)
        status = self._exit_status()
        if status is None:
            return _crashed()
        signum = os.WTERMSIG(status)
        if signum in (signal.SIGALRM, signal.SIGXCPU):
            return _timed_out(limits)
        if signum == signal.SIGKILL:  # how the kernel ends what eats all memory
            return _out_of_memory(limits)
        return _crashed()

    def _exit_status(self) -> int | None:
        """Return how the last child ended, as the nursery saw it; None if it is the nursery that ended."""
        assert self._control
        self._control.settimeout(_GRACE)
        try:
            status = self._control.recv(4)
        except (ConnectionError, TimeoutError):
            status = b""
        self._owed = False
        if len(status) < 4:
            self.close()
            return None
        return int.from_bytes(status, "big")


def _timed_out(limits: engine.Limits) -> errors.TimedOut:
    return errors.TimedOut(
        f"This conversion took more than {limits.seconds:.0f} seconds. Ask for a smaller size or another format."
    )


def _out_of_memory(limits: engine.Limits) -> errors.OutOfMemory:
    return errors.OutOfMemory(
        f"This conversion needs more than the {limits.memory_bytes // 2**20} MB of memory it may have. "
        "Send a smaller picture."
    )


def _crashed() -> errors.Crashed:
    return errors.Crashed(
        "This file makes the decoder crash. It is damaged: save it anew in another program."
    )


# --- The other side of the line: nothing below runs in the worker -------------------------------------------


def _nursery(fd: int) -> NoReturn:
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
                _serve(lines[0])
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
        result = engine.convert(made[next(reversed(made))], recipe)[0]
        if isinstance(result, engine.Result):
            made[name] = result.data
    return made["jpeg"]


def _rehearse(photo: bytes) -> None:
    """Write to the pages of memory that any conversion writes to: a child has its own copy of each from then on."""
    engine.convert(photo, *(engine.Recipe.parse(json.loads(text)) for text in _REHEARSAL))


def _serve(fd: int) -> NoReturn:
    """Take one order, answer it, and end."""
    code = 1
    try:
        with socket.socket(fileno=fd) as line, line.makefile("rb") as orders:
            order, (data, *images) = _receive(orders)
            _answer(line, order, data, dict(zip(order["images"], images, strict=True)))
        code = 0
    finally:
        os._exit(code)


def _answer(line: socket.socket, order: dict[str, Any], data: bytes, images: dict[str, bytes]) -> None:
    limits = engine.Limits(**order["limits"])
    recipes = [engine.Recipe.parse(recipe) for recipe in order["recipes"]]
    first = order["first"]
    _confine(limits, steps=len(recipes) - first)

    index, since = first, time.monotonic()
    try:
        source = engine.open(data, limits)
        _send(line, {"facts": source.facts.to_dict()})
        source.load(recipes[first:])
    except (engine.EngineError, MemoryError) as exc:
        for index in range(first, len(recipes)):
            _send(line, _refusal(index, exc, limits))
        _send(line, {})
        return
    for index in range(first, len(recipes)):
        signal.alarm(int(limits.seconds))
        try:
            result = source.render(recipes[index], images)
        except (engine.EngineError, MemoryError) as exc:
            _send(line, _refusal(index, exc, limits))
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
            _send(line, answer, result.data)
        since = time.monotonic()
    _send(line, {})


def _refusal(index: int, exc: engine.EngineError | MemoryError, limits: engine.Limits) -> dict[str, Any]:
    error = _out_of_memory(limits) if isinstance(exc, MemoryError) else exc
    return {"index": index, "code": error.code, "message": str(error)}


def _confine(limits: engine.Limits, steps: int) -> None:
    """Give away, for good, what decoding an image does not need."""
    seconds = int(limits.seconds)
    signal.signal(signal.SIGALRM, signal.SIG_DFL)  # ends the process even inside a C loop
    signal.alarm(seconds)
    ceilings = {
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_CPU: (seconds + _GRACE) * (steps + 1),
        resource.RLIMIT_FSIZE: 0,
        resource.RLIMIT_NOFILE: _OPEN_FILES,
    }
    if sys.platform != "darwin":  # macOS has the limit by name only and refuses to set it
        ceilings[resource.RLIMIT_AS] = limits.memory_bytes
    for name, value in ceilings.items():
        resource.setrlimit(name, (value, value))


# --- Messages: a length, JSON, bytes ------------------------------------------------------------------------


def _send(line: socket.socket, message: dict[str, Any], *bodies: bytes) -> None:
    text = json.dumps({**message, "sizes": [len(body) for body in bodies]}, separators=(",", ":")).encode()
    line.sendall(_LENGTH.pack(len(text)) + text)
    for body in bodies:
        line.sendall(body)


def _receive(file: BinaryIO) -> tuple[dict[str, Any], list[bytes]]:
    (length,) = _LENGTH.unpack(_exactly(file, _LENGTH.size))
    message = json.loads(_exactly(file, length))
    return message, [_exactly(file, size) for size in message.pop("sizes")]


def _receive_answer(file: BinaryIO) -> Answer | None:
    message, bodies = _receive(file)
    if not message:
        return None
    if "facts" in message:
        return Probed(message["facts"])
    if "code" in message:
        return Refused(**message)
    return Rendered(data=bodies[0], **message)


def _exactly(file: BinaryIO, length: int) -> bytes:
    received = file.read(length)
    if len(received) < length:
        raise EOFError
    return received
