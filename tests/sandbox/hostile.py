"""Runs a test's code in the sandbox's child when PNG is requested, like a decoder exploited by a file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from textwrap import dedent

import psutil

from converter import engine
from converter.sandbox import Answer, Refused, Sandbox

PNG = engine.Recipe.parse({"format": "png"})
NOBODY = 65534

# Replaces the engine in the fork server, and so in its children, once everything is warm. The imports are
# done in advance, since a real attacker would bring the code along. `say` reports to the test.
_START = """
import ctypes, errno, io, json, logging, mmap, os, resource, select, signal, socket, struct, sys, threading, time
sys.path[:] = {path!r}
from converter import engine
from converter.engine import errors, raster
from converter.sandbox import child, confinement, fork_server, messages

render, warm_up, send, missing = raster.Source.render, fork_server._warm_up, child.send, confinement.missing
libc = ctypes.CDLL(None, use_errno=True)
lines = []

def say(what):
    raise errors.CannotProduce(format=str(what))

def tried(act, *arguments):
    try:
        return f"done: {{act(*arguments)!r}}"
    except OSError as exc:
        return errno.errorcode[exc.errno]

def called(number, *arguments):
    # All of them are as wide as a register: the upper half of an int would be whatever lay there.
    wide = [ctypes.c_long(value) if isinstance(value, int) else value for value in (number, *arguments)]
    return "done" if libc.syscall(*wide) >= 0 else errno.errorcode[ctypes.get_errno()]

def hostile(source, recipe, images=None, last=False):
    if recipe.format == "png":
        exec(images["code"].decode(), {{**globals(), "source": source, "recipe": recipe}})
    return render(source, recipe, {{}})

def remember(line, *arguments):
    lines.append(line)
    send(line, *arguments)

def prepare():
    photo = warm_up()
    raster.Source.render, child.send = hostile, remember
    BEFORE
    return photo

fork_server._warm_up = prepare
confinement.missing = lambda: {{**missing(), **WITHOUT}}
fork_server.run({fd})
"""
_GIVE_UP_ROOT = f"os.setgroups([]), os.setgid({NOBODY}), os.setuid({NOBODY})"
_LET_OPEN = (
    "limit = confinement._limit; "
    "confinement._limit = lambda name, *value, **more: name == resource.RLIMIT_NOFILE or limit(name, *value, **more)"
)


class Attacker:
    """Passes code to the child, along with an ordinary image."""

    def __init__(self, sandbox: Sandbox, picture: bytes) -> None:
        self.sandbox = sandbox
        self.picture = picture

    @property
    def server(self) -> psutil.Process:
        """Return the fork server, started if necessary."""
        if self.sandbox._server is None:
            self.sandbox._open()
        assert self.sandbox._server
        return psutil.Process(self.sandbox._server.pid)

    def answers(
        self,
        code: str,
        *recipes: engine.Recipe,
        limits: engine.Limits = engine.Limits(seconds=20),  # noqa: B008 - it is frozen
    ) -> list[Answer]:
        """Return all responses for a file while the child runs the code; PNG is made only if it returns."""
        images = {"code": dedent(code).encode()}
        return list(self.sandbox.render(self.picture, recipes or [PNG], limits, images))

    def hears(self, code: str) -> str:
        """Return what the code reports with `say`."""
        answer = self.answers(code)[-1]
        assert isinstance(answer, Refused), answer
        assert answer.code == "cannot_produce", answer
        return str(answer.message.params["format"])


@contextmanager
def attacker(
    picture: bytes,
    *,
    ordinary: bool = False,
    without: Mapping[str, str] | None = None,
    opens_files: bool = False,
    before: str = "pass",
) -> Iterator[Attacker]:
    """Yield an attacker who controls the child.

    `ordinary`: the fork server does not run as root. `without`: layers to disable.
    `opens_files`: do not limit the number of open files, which would refuse much that a layer refuses too.
    `before`: a statement for the fork server to run once everything is warm.
    """
    statements = [_GIVE_UP_ROOT] * ordinary + [_LET_OPEN] * opens_files + [before]
    start = _START.replace("BEFORE", "; ".join(statements))
    sandbox = Sandbox()
    sandbox._program = start.replace("WITHOUT", f"dict({list((without or {}).items())!r})")
    try:
        yield Attacker(sandbox, picture)
    finally:
        sandbox.close()
