"""Drop the rights of a process before it handles a hostile file.

There are several layers, each of which stops most attacks on its own: where a system lacks one, the others
hold.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import struct
import sys
from collections.abc import Callable, Collection, Mapping
from typing import NoReturn

from converter import engine

from . import kernel, landlock, seccomp
from .kernel import Unavailable

LAYERS: Mapping[str, str] = {
    "privileges": "no new rights, and nobody looks into its memory",
    "landlock": "no file, no port, no signal to other processes",
    "seccomp": "no system call that decoding does not need",
}

_PDEATHSIG, _DUMPABLE, _NO_NEW_PRIVILEGES = 1, 4, 38  # prctl(2) options
_CAPSET = {"x86_64": 126, "aarch64": 91}
_CAPABILITIES_VERSION = 0x20080522
_FIRST_USER = 2_000_000_000  # unused user IDs, below 2^31
_THREADS = 128  # a decoder needs one or two


def hide() -> None:
    """Protect this process from others of the same user: no ptrace, no access through /proc, no core dump."""
    if kernel.LINUX:
        kernel.prctl(_DUMPABLE, 0)


def enter(without: Collection[str] = ()) -> None:
    """Drop the rights that are not needed to receive the order; `without` names layers known to be missing.

    Raises Unavailable, OSError.
    """
    os.setpgid(0, 0)  # anything it starts is killed with it
    for layer, act in {"privileges": _drop_privileges, "landlock": landlock.restrict}.items():
        if layer not in without:
            act()


def close(limits: engine.Limits, steps: int, without: Collection[str] = ()) -> None:
    """Drop the remaining rights: from here on no file can be opened, and memory and time are limited.

    Raises Unavailable, OSError.
    """
    seconds = int(limits.seconds) + 1
    _limit(resource.RLIMIT_CORE, 0)
    _limit(resource.RLIMIT_FSIZE, 0)
    _limit(resource.RLIMIT_CPU, seconds * (steps + 1), grace=1)
    if sys.platform != "darwin":  # macOS defines RLIMIT_AS but refuses to set it
        _limit(resource.RLIMIT_AS, limits.memory_bytes)
        _limit(resource.RLIMIT_NOFILE, 0)  # open descriptors stay open
    if "seccomp" not in without:
        seccomp.restrict(os.getpid())


def missing() -> dict[str, str]:
    """Return the layers that this system lacks, each with the reason; a forked child tries them all."""
    reader, writer = os.pipe()
    child = os.fork()
    if not child:
        os.close(reader)
        _try_all(writer)
    os.close(writer)
    with open(reader, "rb") as report:
        found: dict[str, str] = json.loads(report.read() or "{}")
    os.waitpid(child, 0)
    return found


def _try_all(writer: int) -> NoReturn:
    acts: dict[str, Callable[[], None]] = {
        "privileges": _drop_privileges,
        "landlock": landlock.restrict,
        "seccomp": lambda: seccomp.restrict(os.getpid()),
    }
    found = {}
    for layer in LAYERS:
        try:
            acts[layer]()
        except (Unavailable, OSError) as exc:
            found[layer] = str(exc)
    os.write(writer, json.dumps(found).encode())
    os._exit(0)


def _drop_privileges() -> None:
    """Bar this process from gaining privileges and, if it is root, switch to a user that owns nothing.

    Raises Unavailable, OSError.
    """
    kernel.prctl(_NO_NEW_PRIVILEGES, 1)
    threads = _tasks() + _THREADS
    if os.geteuid() == 0:
        threads = _become(_FIRST_USER + os.getpid()) or threads
    _drop_capabilities()
    _limit(resource.RLIMIT_NPROC, threads)
    hide()
    kernel.prctl(_PDEATHSIG, signal.SIGKILL)  # last, because changing the user clears it


def _become(user: int) -> int | None:
    """Switch to an unused user ID and return its thread limit, or None if the container forbids it."""
    try:
        os.setgroups([])
        os.setresgid(user, user, user)
        os.setresuid(user, user, user)
    except OSError:
        return None
    return _THREADS


def _drop_capabilities() -> None:
    number = _CAPSET.get(kernel.MACHINE)
    if number is None:
        raise Unavailable(f"not supported on {kernel.MACHINE}")
    header = struct.pack("=Ii", _CAPABILITIES_VERSION, 0)
    kernel.syscall(number, header, bytes(24))


def _tasks() -> int:
    """Return an upper bound on this user's threads: RLIMIT_NPROC counts all threads of a user."""
    try:
        file = os.open("/proc/loadavg", os.O_RDONLY | os.O_CLOEXEC)
        told = os.read(file, 100)
        os.close(file)
        return int(told.split()[3].partition(b"/")[2])
    except (OSError, ValueError, IndexError):
        return 4096


def _limit(name: int, value: int, grace: int = 0) -> None:
    """Set a resource limit, or keep a lower one; `grace` is the distance from the soft to the hard limit."""
    _, most = resource.getrlimit(name)
    hard = value + grace if most == resource.RLIM_INFINITY else min(value + grace, most)
    resource.setrlimit(name, (min(value, hard), hard))
