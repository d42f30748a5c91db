"""The worker's side: orders go out, answers come in, a child that ends early becomes a reason."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict

from converter import engine

from .answers import Answer, Probed, Refused, receive_answer
from .causes import crashed, out_of_memory, timed_out
from .confinement import GRACE
from .messages import send

_START = (
    "import sys; sys.path[:] = {path!r}; from converter.sandbox import fork_server; fork_server.run({fd})"
)
# Large pages: a child that touches 100 MB for the first time does so in a tenth of the steps.
_ENVIRONMENT = {"LC_ALL": "C.UTF-8", "GLIBC_TUNABLES": "glibc.malloc.hugetlb=1"}


class Sandbox:
    """One fork server and its children; one file at a time."""

    def __init__(self) -> None:
        self._server: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None
        self._owed = False  # whether the fork server has still to say how the last child ended

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
        if self._server is None or self._control is None:
            return
        self._control.close()
        try:
            os.killpg(self._server.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self._server.wait()
        self._server = self._control = None
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
            line.settimeout(limits.seconds + GRACE)
            order = {
                "recipes": [recipe.canonical() for recipe in recipes],
                "first": first,
                "limits": asdict(limits),
                "images": list(images),
            }
            send(line, order, data, *images.values())
            with line.makefile("rb") as answers:
                while answer := receive_answer(answers):
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
                except ConnectionError:  # the fork server was killed from outside: start another one, once
                    self.close()
                    if attempt == 2:
                        raise
        return ours

    def _open(self) -> socket.socket:
        self._control, theirs = socket.socketpair()
        with theirs:
            self._server = subprocess.Popen(  # noqa: S603 - our own interpreter with our own words
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
            return timed_out(limits)
        status = self._exit_status()
        if status is None:
            return crashed()
        signum = os.WTERMSIG(status)
        if signum in (signal.SIGALRM, signal.SIGXCPU):
            return timed_out(limits)
        if signum == signal.SIGKILL:  # how the kernel ends what eats all memory
            return out_of_memory(limits)
        return crashed()

    def _exit_status(self) -> int | None:
        """Return how the last child ended, as the fork server saw it; None if it is the fork server that ended."""
        assert self._control
        self._control.settimeout(GRACE)
        try:
            status = self._control.recv(4)
        except (ConnectionError, TimeoutError):
            status = b""
        self._owed = False
        if len(status) < 4:
            self.close()
            return None
        return int.from_bytes(status, "big")
