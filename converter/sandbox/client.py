"""The worker's side: send orders, receive answers, and explain why a child ended early."""

from __future__ import annotations

import json
import logging
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from converter import engine

from . import confinement
from .answers import Answer, Decoded, Probed, Refused, most_bytes, parse, parse_joined, parse_logged
from .causes import crashed, out_of_memory, timed_out
from .messages import Answers, Malformed, Unwanted, send
from .relay import to_log

logger = logging.getLogger(__name__)

_BEGIN = "import sys; sys.path[:] = {path!r}; "
_START = _BEGIN + "from converter.sandbox import fork_server; fork_server.run({fd})"
_LOOK = (
    _BEGIN
    + "import json; from converter.sandbox import confinement; print(json.dumps(confinement.missing()))"
)
ENVIRONMENT = {
    "LC_ALL": "C.UTF-8",
    # Transparent huge pages: touching 100 MB for the first time takes a tenth of the page faults.
    "GLIBC_TUNABLES": "glibc.malloc.hugetlb=1",
    "OPENBLAS_NUM_THREADS": "1",  # NumPy would start threads, which do not survive a fork
}
_SECONDS_TO_START = 60
_SECONDS_TO_END = 5
_MOST_LOGGED = 20  # errors that one child may add to our log
_MOST_LOST = 2  # multiple of MAX_SECONDS that one file may spend in children that end early
_MOST_KILLED = 3  # children of one file killed from outside before the file is taken as the cause


class SandboxError(Exception):
    """The sandbox does not start or lacks a required layer, whatever the file."""


def missing_layers() -> dict[str, str]:
    """Return the confinement layers (`confinement.LAYERS`) that this system lacks, each with the reason."""
    found: dict[str, str] = json.loads(
        subprocess.run(  # noqa: S603 - our own interpreter with our own words
            [sys.executable, "-I", "-c", _LOOK.format(path=sys.path)],
            env=ENVIRONMENT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            check=True,
        ).stdout
    )
    return found


@dataclass(frozen=True)
class _Order:
    data: bytes
    recipes: Sequence[engine.Recipe]
    limits: engine.Limits
    images: Mapping[str, bytes]
    wanted: Callable[[], bool]


class _Lost(Exception):
    """A child ended early, `seconds` after its last answer.

    If `alone`, only this output failed and the others may still succeed. If `killed`, the child was killed
    from outside, so the file may not be the cause.
    """

    def __init__(
        self, cause: engine.EngineError, seconds: float, alone: bool = False, killed: bool = False
    ) -> None:
        self.cause = cause
        self.seconds = seconds
        self.alone = alone
        self.killed = killed


class _Unlogged:
    """A child's answers without its log entries, which go to our log."""

    def __init__(self, answers: Answers) -> None:
        self._answers = answers
        self._logged = 0

    def next(self, deadline: float) -> tuple[dict[str, Any], bytes]:
        """Return the next message and its body, like `Answers.next`.

        Raises Malformed, Unwanted, TimeoutError, ConnectionError, EOFError.
        """
        while True:
            message, body = self._answers.next(deadline)
            logged = parse_logged(message, body)
            if logged is None:
                return message, body
            self._logged += 1
            if self._logged > _MOST_LOGGED:
                raise Malformed("too much for the log")
            to_log(logged.text, logged.cause)


class Sandbox:
    """A fork server and its children; converts one file at a time.

    If `required`, it does not start on a system that lacks a confinement layer.
    """

    def __init__(self, *, required: bool = False) -> None:
        self._required = required
        self._program = _START
        self._server: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None

    def render(
        self,
        data: bytes,
        recipes: Sequence[engine.Recipe],
        limits: engine.Limits,
        images: Mapping[str, bytes] | None = None,
        wanted: Callable[[], bool] = lambda: True,
    ) -> Iterator[Answer]:
        """Yield the facts, then one answer for each recipe in order.

        `wanted` is called every second; once it returns false, the work ends and nothing more is yielded.
        Raises SandboxError.
        """
        order = _Order(data, recipes, limits, images or {}, wanted)
        done, probed, lost, killed = 0, False, 0.0, 0
        while done < len(recipes):
            try:
                for answer in self._child(order, done):
                    if not isinstance(answer, Probed):
                        done += 1
                    elif probed:
                        continue
                    probed = True
                    yield answer
            except Unwanted:
                return
            except _Lost as loss:
                lost += loss.seconds
                killed += loss.killed
                in_time = lost < _MOST_LOST * limits.seconds
                if loss.killed and killed < _MOST_KILLED and in_time:
                    continue
                alone = loss.alone and in_time
                for index in range(done, done + 1 if alone else len(recipes)):
                    done += 1
                    yield Refused(index, loss.cause.message)

    def join(
        self, files: Sequence[bytes], limits: engine.Limits, wanted: Callable[[], bool] = lambda: True
    ) -> bytes | engine.EngineError:
        """Join PDFs made by `render` and return the document, or the error that prevents it.

        Raises Unwanted once `wanted` returns false, SandboxError.
        """
        killed = 0
        while True:
            try:
                return self._join(files, limits, wanted)
            except _Lost as loss:
                killed += loss.killed
                if not loss.killed or killed == _MOST_KILLED:
                    return loss.cause

    def close(self) -> None:
        """Stop the fork server and its child. The next file starts a new one."""
        if self._server is None or self._control is None:
            return
        self._control.close()  # on this the fork server kills its child and exits
        try:
            self._server.wait(_SECONDS_TO_END)
        except subprocess.TimeoutExpired:
            os.killpg(self._server.pid, signal.SIGKILL)
            self._server.wait()
        self._server = self._control = None

    def _join(
        self, files: Sequence[bytes], limits: engine.Limits, wanted: Callable[[], bool]
    ) -> bytes | engine.EngineError:
        """Join the files in one child.

        Raises _Lost, Unwanted, SandboxError.
        """
        line = self._fork()
        since = time.monotonic()
        try:
            line.settimeout(limits.seconds)
            send(line, {"join": True, "limits": asdict(limits)}, *files)
            answers = _Unlogged(Answers(line, most_bytes(limits), wanted))
            return parse_joined(*answers.next(since + limits.seconds))
        except (Malformed, TimeoutError, ConnectionError, EOFError) as exc:
            raise self._loss(exc, since, limits) from None
        finally:
            line.close()
            self._tell(b"e")

    def _child(self, order: _Order, first: int) -> Iterator[Answer]:
        """Yield the answers of one child, starting with output `first`.

        Raises _Lost, Unwanted, SandboxError.
        """
        line = self._fork()
        probed = decoded = False
        index, since, limits = first, time.monotonic(), order.limits
        try:
            line.settimeout(limits.seconds)
            _send(line, order, first)
            answers = _Unlogged(Answers(line, most_bytes(limits), order.wanted))
            while index < len(order.recipes):
                message, body = answers.next(since + limits.seconds)
                answer = parse(message, body, index, order.recipes[index], limits)
                if isinstance(answer, Probed):
                    if probed:
                        raise Malformed("probed again")
                    probed = True
                    yield answer
                    continue
                since = time.monotonic()
                if isinstance(answer, Decoded):
                    if decoded:
                        raise Malformed("decoded again")
                    decoded = True
                    continue
                index += 1
                yield answer
                since = time.monotonic()
        except (Malformed, TimeoutError, ConnectionError, EOFError) as exc:
            raise self._loss(exc, since, limits, alone=decoded) from None
        finally:
            line.close()
            self._tell(b"e")

    def _fork(self) -> socket.socket:
        """Return our end of the socket to a new child. Raises SandboxError."""
        for _ in range(2):  # the fork server may have been killed from outside
            control = self._control or self._open()
            ours, theirs = socket.socketpair()
            with theirs:
                try:
                    socket.send_fds(control, [b"f"], [theirs.fileno()])
                    return ours
                except ConnectionError:
                    ours.close()
                    self.close()
        raise SandboxError("The sandbox exits immediately after it is started.")

    def _open(self) -> socket.socket:
        confinement.hide()
        ours, theirs = socket.socketpair()
        with theirs:
            self._server = subprocess.Popen(  # noqa: S603 - our own interpreter with our own words
                [sys.executable, "-I", "-c", self._program.format(path=sys.path, fd=theirs.fileno())],
                pass_fds=[theirs.fileno()],
                env=ENVIRONMENT,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,  # stderr is kept, so that errors during startup reach the log
                start_new_session=True,
            )
        self._control = ours
        try:
            answers = Answers(ours, 0, lambda: True)
            message, _ = answers.next(time.monotonic() + _SECONDS_TO_START)
        except (EOFError, OSError, Malformed) as exc:
            self.close()
            raise SandboxError("The sandbox does not start; see the log.") from exc
        ours.settimeout(_SECONDS_TO_END)
        self._look_at(message["missing"])
        return ours

    def _look_at(self, missing: Mapping[str, str]) -> None:
        for layer, why in missing.items():
            logger.warning("A sandbox layer is missing", extra={"layer": layer, "why": why})
        if missing and self._required:
            self.close()
            raise SandboxError(f"The sandbox lacks {', '.join(missing)}, and SANDBOX_REQUIRED is on.")

    def _tell(self, word: bytes) -> None:
        try:
            if self._control:
                self._control.sendall(word)
        except OSError:
            self.close()  # it has ended; the next file starts a new one

    def _loss(self, exc: Exception, since: float, limits: engine.Limits, *, alone: bool = False) -> _Lost:
        """Return why a child sent an invalid answer, timed out or died; `since` is when it last answered."""
        seconds = time.monotonic() - since
        if isinstance(exc, Malformed):
            logger.warning("Invalid message from a sandbox child: %s", exc)
            return _Lost(crashed(), seconds)
        if isinstance(exc, TimeoutError):
            return _Lost(timed_out(limits), seconds, alone)
        ended = self._ended()
        if ended is None:
            return _Lost(crashed(), seconds, alone, killed=True)
        status, no_memory = ended
        signum = os.WTERMSIG(status) if os.WIFSIGNALED(status) else None
        if signum == signal.SIGXCPU:
            return _Lost(timed_out(limits), seconds, alone)
        if signum == signal.SIGKILL:  # also sent by the kernel's OOM killer
            return _Lost(out_of_memory(limits), seconds, alone, killed=True)
        return _Lost(out_of_memory(limits) if no_memory else crashed(), seconds, alone)

    def _ended(self) -> tuple[int, bool] | None:
        """Return the last child's wait status and whether a library in it reported that memory ran out.

        None if the fork server itself has ended.
        """
        self._tell(b"w")
        try:
            said = self._control.recv(5) if self._control else b""
        except OSError:
            said = b""
        if len(said) < 5:
            self.close()
            return None
        return int.from_bytes(said[:4], "big"), said[4] > 0


def _send(line: socket.socket, order: _Order, first: int) -> None:
    head = {
        "recipes": [recipe.canonical() for recipe in order.recipes],
        "first": first,
        "limits": asdict(order.limits),
        "images": list(order.images),
    }
    send(line, head, order.data, *order.images.values())
